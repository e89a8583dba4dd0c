// Wire catalogue of h1 (faults B1-B13, C4-C6, C11, C13): raw bytes in, exact events and answer out. Every
// case runs whole, split at every byte boundary, and byte by byte; the outcome must be the same.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../test_peers.h"
#include "fuzz.h"

namespace peerpulse::http::test {
namespace {

using Pieces = std::vector<std::string>;

/// Runs `once` on the input whole, in two pieces cut everywhere, and byte by byte.
void everyCut(const std::string& input, const std::function<std::string(const Pieces&)>& once,
              const std::string& expected) {
  CHECK(once({input}) == expected);
  for (size_t cut = 1; cut < input.size(); ++cut) {
    const std::string got = once({input.substr(0, cut), input.substr(cut)});
    if (got != expected) {
      INFO("cut at " << cut);
      CHECK(got == expected);
      return;
    }
  }
  Pieces bytes;
  for (const char c : input)
    bytes.emplace_back(1, c);
  CHECK(once(bytes) == expected);
}

CodecLimits smallLimits() {
  CodecLimits limits;
  limits.maxHeaderCount = 8;
  limits.maxHeaderFieldSize = 256;
  limits.maxHeaderListSize = 1024;
  limits.maxRequestLineSize = 128;
  limits.maxChunkExtension = 16;
  return limits;
}

/// The same inputs, spoilt: only that they do no harm.
void spoilt(const std::string& input) {
  H1Visited visited;
  everyByte(input, 1, [&](size_t cut, uint64_t seed) {
    fuzzH1Server(input, cut, seed, smallLimits(), visited);
    fuzzH1Client(input, cut, seed, smallLimits(), visited);
  });
}

/// "<events> [body] {error} -> <status the codec or owner answered>"; requests are answered 204 at their end.
std::string serve(const Pieces& pieces) {
  ServerOwner owner;
  owner.onNew = [](Recorder& r) {
    r.onEndHook = [](Recorder& self) { self.answer->sendHeaders(makeResponse(204), true); };
  };
  const auto codec = createH1ServerCodec(owner, smallLimits());
  Buffer out;
  std::string error;
  for (const std::string& piece : pieces) {
    const Result<void> result = codec->receive(Slice::copyOf(piece));
    codec->produce(out, SIZE_MAX);
    if (result) continue;
    error = result.error().message;
    break;
  }
  std::string text = owner.text();
  for (const auto& r : owner.requests) {
    if (!r->body.empty()) text += " [" + r->body + "]";
  }
  if (!error.empty()) text += " {" + error + "}";
  const std::string wire = out.toString();
  for (size_t at = 0; (at = wire.find("HTTP/1.1 ", at)) != std::string::npos; at += 9) {
    text += " -> " + wire.substr(at + 9, 3);
  }
  if (codec->finished()) text += " close";
  return text;
}

struct Case {
  std::string in;
  std::string out;
};

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n";
const std::string kPost = "POST / HTTP/1.1\r\nHost: a\r\n";
const std::string kChunked = kPost + "Transfer-Encoding: chunked\r\n\r\n";
const std::string kBad = "bad:400 end closed -> 400 close";

TEST_CASE("h1 wire: framing B1-B3") {
  const std::vector<Case> cases = {
      {kPost + "Content-Length: 3\r\n\r\nabc", "POST / data end closed [abc] -> 204"},
      {kPost + "Content-Length: 0\r\n\r\n", "POST / end closed -> 204"},
      {kPost + "Content-Length:\t3\t \r\n\r\nabc", "POST / data end closed [abc] -> 204"},
      {kPost + "Transfer-Encoding:\tchunked\t\r\n\r\n0\r\n\r\n", "POST / end closed -> 204"},
      {kGet + "Content-Length: 2\r\n\r\nab", "GET / data end closed [ab] -> 204"},
      {kPost + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", kBad},
      {kPost + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", kBad},
      {kPost + "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", "POST / end closed -> 204"},
      {kPost + "Transfer-Encoding: ,chunked\r\n\r\n", kBad},
      {kPost + "Transfer-Encoding: chunked,chunked\r\n\r\n", kBad},
      {kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n", kBad},
      {kPost + "Transfer-Encoding: chunked;a=b\r\n\r\n", kBad},
      {kPost + "Transfer-Encoding: \x0b"
               "chunked\r\n\r\n",
       kBad},
      {kPost + "Transfer-Encoding:\r\n\r\n", kBad},
      {kPost + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", kBad},
      {kPost + "Transfer-Encoding: xchunked\r\n\r\n", "bad:501 end closed -> 501 close"},
      {kPost + "Transfer-Encoding: gzip\r\n\r\n", "bad:501 end closed -> 501 close"},
      {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", kBad},
      {kPost + "Transfer_Encoding: chunked\r\n\r\n", kBad},
      {kPost + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", kBad},
      {kPost + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", kBad},
      {kPost + "Content-Length:\r\n\r\n", kBad},
      {kPost + "Content-Length: +1\r\n\r\n", kBad},
      {kPost + "Content-Length: -1\r\n\r\n", kBad},
      {kPost + "Content-Length: 0x10\r\n\r\n", kBad},
      {kPost + "Content-Length: 1_0\r\n\r\n", kBad},
      {kPost + "Content-Length: 010\r\n\r\n", kBad},
      {kPost + "Content-Length: 3, 3\r\n\r\n", kBad},
      {kPost + "Content-Length: 3 3\r\n\r\n", kBad},
      {kPost + "Content-Length: 9223372036854775808\r\n\r\n", kBad},
      {kPost + "Content-Length: 99999999999999999999999\r\n\r\n", kBad},
  };
  for (const Case& c : cases) {
    CAPTURE(c.in);
    everyCut(c.in, serve, c.out);
    spoilt(c.in);
  }
}

TEST_CASE("h1 wire: chunks B4-B5") {
  const auto broken = [](const char* why) {
    return std::string("POST / reset:protocol_error {") + why + "} -> 400 close";
  };
  const std::string size = broken("malformed chunk size");
  const std::vector<Case> cases = {
      {"3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", "POST / data end closed [abc0123456789] -> 204"},
      {"003\r\nabc\r\n0\r\n\r\n", "POST / data end closed [abc] -> 204"},
      {"3;a=b\r\nabc\r\n0;c=\"d e\"\r\n\r\n", "POST / data end closed [abc] -> 204"},
      {"0\r\nx: y\r\nhost: z\r\n\r\n", "POST / trailers end closed -> 204"},
      {"0\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", "POST / end closed -> 204"},
      {"3;a=b;c=\"\\\"\";;\r\nabc\r\n0;d;e\r\n\r\n", "POST / data end closed [abc] -> 204"},
      {"0x3\r\nabc\r\n", size},
      {"+3\r\nabc\r\n", size},
      {"-3\r\nabc\r\n", size},
      {"1_0\r\n", size},
      {" 3\r\nabc\r\n", size},
      {"3 \r\nabc\r\n", size},
      {"\r\nabc\r\n", size},
      {"3\nabc\r\n", size},
      {";a\r\n", size},
      {"00000000000000003\r\nabc", broken("chunk size too long")},
      {"8000000000000000\r\n", broken("chunk size too large")},
      {"3;a=b\nabc\r\n", broken("control character in a chunk extension")},
      {"3;a=\"\n\"\r\nabc\r\n", broken("control character in a chunk extension")},
      {std::string("3;a\0\r\n", 6), broken("control character in a chunk extension")},
      {"3;a\rb\r\n", broken("bare CR in a chunk line")},
      {"3\rabc", broken("bare CR in a chunk line")},
      {"3;aaaaaaaaaaaaaaaaaaaa\r\n", broken("chunk extension over the limit")},
      {"0\r\nx : y\r\n\r\n", broken("field name is no token")},
      {"0\r\nx: y\n\r\n", broken("bare LF")},
      {"0\r\nx: y\r\n z\r\n\r\n", broken("folded field line")},
  };
  for (const Case& c : cases) {
    CAPTURE(c.in);
    everyCut(kChunked + c.in, serve, c.out);
    spoilt(kChunked + c.in);
  }
  // What came before the fault was delivered; what follows is not.
  everyCut(kChunked + "3\r\nabcX\r\n", serve,
           "POST / data reset:protocol_error [abc] {chunk data without CRLF} -> 400 close");
  everyCut(kChunked + "3\r\nabc\rX", serve,
           "POST / data reset:protocol_error [abc] {chunk data without CRLF} -> 400 close");
}

TEST_CASE("h1 wire: lines and fields B6-B8") {
  const std::vector<Case> cases = {
      {"\r\n" + kGet + "\r\n", "GET / end closed -> 204"},
      {"\r\n\r\n" + kGet + "\r\n", kBad},
      {"\n" + kGet + "\r\n", kBad},
      {"GET / HTTP/1.1\nHost: a\n\n", kBad},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n", kBad},
      {"GET / HTTP/1.1\r\nHost: a\r\n\rX", kBad},
      {"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", kBad},
      {kGet + "x: a\rb\r\n\r\n", kBad},
      {kGet + "x: a\r\n b\r\n\r\n", kBad},
      {kGet + "x: a\r\n\tb\r\n\r\n", kBad},
      {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", kBad},
      {" " + kGet + "\r\n", kBad},
      {kGet + "x : a\r\n\r\n", kBad},
      {kGet + ": a\r\n\r\n", kBad},
      {kGet + "nocolon\r\n\r\n", kBad},
      {kGet + "x y: a\r\n\r\n", kBad},
      {kGet + "x\xc3\xa4: a\r\n\r\n", kBad},
      {kGet + std::string("x: a\0b\r\n\r\n", 10), kBad},
      {kGet + "x: a\x01\r\n\r\n", kBad},
      {kGet + "x: a\x7f\r\n\r\n", kBad},
      {kGet + "x: \xc3\xa4\r\ny:\r\nz:\ta \t\r\n\r\n", "GET / end closed -> 204"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.in);
    everyCut(c.in, serve, c.out);
    spoilt(c.in);
  }
}

TEST_CASE("h1 wire: Host and request line B9-B10") {
  const auto get = [](const std::string& target, const std::string& host) {
    return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  };
  const std::vector<Case> cases = {
      {"GET / HTTP/1.1\r\n\r\n", kBad},
      {"GET / HTTP/1.0\r\n\r\n", "GET / end closed -> 204 close"},
      {kGet + "Host: a\r\n\r\n", kBad},
      {get("/", ""), kBad},
      {get("/", "u@a"), kBad},
      {get("/", "a/b"), kBad},
      {get("/", "a,b"), kBad},
      {get("/", "a b"), kBad},
      {get("/", "a:x"), kBad},
      {get("/", "[::1]:9000"), "GET / end closed -> 204"},
      {get("/", "[::1"), kBad},
      {get("/", "[::1]x"), kBad},
      {get("http://a/x?y", "a"), "GET /x?y end closed -> 204"},
      {get("http://a", "A"), "GET / end closed -> 204"},
      {get("http://b/x", "a"), "GET /x end closed -> 204"},
      {get("http://b/x", "a,b"), kBad},
      {get("http://u@a/x", "a"), kBad},
      {get("ftp://a/x", "a"), kBad},
      {get("x", "a"), kBad},
      {get("*", "a"), kBad},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * end closed -> 204"},
      {get("//a/../b;c", "a"), "GET //a/../b;c end closed -> 204"},
      {get("/%2f%00", "a"), kBad},
      {get("/#f", "a"), kBad},
      {get("/\xc3\xa4", "a"), kBad},
      {get("/a b", "a"), kBad},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", kBad},
      {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", kBad},
      {"GET /\r\n\r\n", kBad},
      {"GET / HTTP/0.9\r\n\r\n", kBad},
      {"GET / http/1.1\r\nHost: a\r\n\r\n", kBad},
      {"GET / HTTP/1.1x\r\nHost: a\r\n\r\n", kBad},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "bad:505 end closed -> 505 close"},
      {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", "bad:505 end closed -> 505 close"},
      {get("/" + std::string(200, 'a'), "a"), "bad:414 end closed -> 414 close"},
      {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", kBad},
      // Any token is a method, and none has a framing of its own.
      {"get / HTTP/1.1\r\nHost: a\r\n\r\n", "get / end closed -> 204"},
      {"REPLICATE /sda1/0 HTTP/1.1\r\nHost: a\r\n\r\n", "REPLICATE /sda1/0 end closed -> 204"},
      {"SSYNC / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
       "SSYNC / data end closed [ab] -> 204"},
      {"BREW / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", "BREW / data end closed [ab] -> 204"},
      {"M-SEARCH!#$%&'*+.^_`|~9 / HTTP/1.1\r\nHost: a\r\n\r\n", "M-SEARCH!#$%&'*+.^_`|~9 / end closed -> 204"},
      {"SOURCE / HTTP/1.1\r\nHost: a\r\n\r\n", "SOURCE / end closed -> 204"},
      {"PRI / HTTP/1.1\r\nHost: a\r\n\r\n", "bad:501 end closed -> 501 close"},
      {"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "bad:405 end closed -> 405 close"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.in);
    everyCut(c.in, serve, c.out);
    spoilt(c.in);
  }
}

TEST_CASE("h1 wire: bodies, limits, semantics B11-B13, C4, C7") {
  std::string many = kGet;
  for (int i = 0; i < 9; ++i)
    many += "x" + std::to_string(i) + ": y\r\n";
  std::string large = kGet;
  for (int i = 0; i < 6; ++i)
    large += "y" + std::to_string(i) + ": " + std::string(200, 'z') + "\r\n";
  const std::string tooMuch = "bad:431 end closed -> 431 close";
  std::string trailers = "0\r\n";
  for (int i = 0; i < 8; ++i)
    trailers += "t" + std::to_string(i) + ": y\r\n";
  const std::vector<Case> cases = {
      {kPost + "Content-Length: 1\r\n\r\na" + kGet + "\r\n",
       "POST / data end closed | GET / end closed [a] -> 204 -> 204"},
      {kPost + "Content-Length: 1\r\n\r\nab" + kGet + "\r\n",
       "POST / data end closed | bGET / end closed [a] -> 204 -> 204"},
      {kGet + "Connection: close\r\n\r\n" + kGet + "\r\n", "GET / end closed -> 204 close"},
      {many + "\r\n", tooMuch},
      {large + "\r\n", tooMuch},
      {kGet + "x: " + std::string(300, 'a') + "\r\n\r\n", tooMuch},
      {kChunked + trailers + "\r\n", "POST / reset:protocol_error {too many fields} -> 400 close"},
      {kGet + "Connection: Host\r\n\r\n", kBad},
      {kGet + "Connection: close, content-length\r\n\r\n", kBad},
      {kGet + "Connection: transfer-encoding\r\n\r\n", kBad},
      {kGet + "Connection: Authorization\r\n\r\n", kBad},
      {kGet + "Connection: a b\r\n\r\n", kBad},
      {kGet + "Expect: 200-ok\r\n\r\n", "bad:417 end closed -> 417 close"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.in);
    everyCut(c.in, serve, c.out);
    spoilt(c.in);
  }
}

/// A GET answered by `pieces`, then FIN: "<events> [body] {error}" and whether the connection is reusable.
std::string respond(const Pieces& pieces) {
  ClientOwner owner;
  const auto codec = createH1ClientCodec(owner, smallLimits());
  Recorder r;
  codec->openStream(r).sendHeaders(makeRequest("GET", "/"), true);
  Buffer out;
  codec->produce(out, SIZE_MAX);
  bool failed = false;
  for (const std::string& piece : pieces) {
    if (!codec->receive(Slice::copyOf(piece))) {
      failed = true;
      break;
    }
  }
  const bool reusable = !failed && codec->canOpenStream();
  if (!failed) codec->receiveEof();
  std::string text = r.text();
  if (!r.body.empty()) text += " [" + r.body + "]";
  if (reusable) text += " reusable";
  CHECK(codec->finished());
  return text;
}

TEST_CASE("h1 wire: responses") {
  const std::string bad = "reset:protocol_error";
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  std::string informational;
  for (int i = 0; i < 17; ++i)
    informational += "HTTP/1.1 103 E\r\n\r\n";
  std::string told;
  for (int i = 0; i < 16; ++i)
    told += "1xx:103 ";
  const std::vector<Case> cases = {
      {ok + "Content-Length: 2\r\n\r\nab", "head:200 data end closed [ab] reusable"},
      {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx: y\r\n\r\n",
       "head:200 data trailers end closed [ab] reusable"},
      {ok + "\r\nuntil close", "head:200 data end closed [until close]"},
      {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", "head:200 data end closed [ab]"},
      {ok + "Connection: close\r\nContent-Length: 2\r\n\r\nab", "head:200 data end closed [ab]"},
      {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "head:200 end closed reusable"},
      {"HTTP/1.1 204 No\r\n\r\n", "head:204 end closed reusable"},
      {"HTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n", "head:304 end closed reusable"},
      {"HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\n", "head:204 end closed"},
      {"HTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 0\r\n\r\n", "1xx:100 head:200 end closed reusable"},
      {informational, told + bad},
      {ok + "Content-Length: 5\r\n\r\nab", "head:200 data reset:connection_closed [ab]"},
      {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "head:200 data reset:connection_closed [ab]"},
      {ok, "reset:connection_closed"},
      {ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", bad},
      {ok + "Transfer-Encoding: gzip\r\n\r\n", bad},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", bad},
      {ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", bad},
      {ok + "x : y\r\n\r\n", bad},
      {ok + "x: y\r\n z\r\n\r\n", bad},
      {ok + "x: y\n\r\n", bad},
      {ok + "x: " + std::string(300, 'a') + "\r\n\r\n", bad},
      {"HTTP/1.1 99 Odd\r\n\r\n", bad},
      {"HTTP/1.1 600 Odd\r\n\r\n", bad},
      {"HTTP/1.1 2000 Odd\r\n\r\n", bad},
      {"HTTP/2.0 200 OK\r\n\r\n", bad},
      {"\r\n" + ok + "\r\n", bad},
      {"ICY 200 OK\r\n\r\n", bad},
      {ok + ok + "\r\n", bad},
      {"HTTP/1.1 101 Sw\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", bad},
      {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nabX", "head:200 data reset:protocol_error [ab]"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.in);
    everyCut(c.in, respond, c.out);
    spoilt(c.in);
  }
}

TEST_CASE("h1 wire: bytes after a response poison the connection") {
  for (const bool together : {true, false}) {
    ClientOwner owner;
    const auto codec = createH1ClientCodec(owner, CodecLimits{});
    Recorder r;
    codec->openStream(r).sendHeaders(makeRequest("GET", "/"), true);
    Buffer out;
    codec->produce(out, SIZE_MAX);
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const std::string extra = "HTTP/1.1 200 OK\r\n";
    if (together) {
      REQUIRE(codec->receive(Slice::copyOf(answer + extra)));
    } else {
      REQUIRE(codec->receive(Slice::copyOf(answer)));
      CHECK_FALSE(codec->finished());
      CHECK_FALSE(codec->receive(Slice::copyOf(extra)));
    }
    CHECK(r.text() == "head:200 end closed");
    CHECK(codec->finished());
    CHECK_FALSE(codec->canOpenStream());
  }
}

}  // namespace
}  // namespace peerpulse::http::test
