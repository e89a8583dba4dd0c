// Wire catalogue of h2 (faults A1-A11, C1-C3, C6, C11): raw frames in, exact events and frames out. Every
// case runs whole, cut at every byte boundary, and byte by byte.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../test_peers.h"
#include "frames.h"
#include "fuzz.h"

namespace peerpulse::http::test {
namespace {

using Pieces = std::vector<std::string>;

/// RST_STREAM and GOAWAY frames in `wire`: " rst(1:1) goaway(11)".
std::string errorsIn(const std::string& wire) {
  std::string text;
  size_t at = 0;
  const auto u = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(wire[i])); };
  while (at + 9 <= wire.size()) {
    const size_t size = u(at) << 16 | u(at + 1) << 8 | u(at + 2);
    const uint32_t id = u(at + 7) << 8 | u(at + 8);
    if (u(at + 3) == kRst) text += " rst(" + std::to_string(id) + ":" + std::to_string(u(at + 12)) + ")";
    if (u(at + 3) == kGoAway) text += " goaway(" + std::to_string(u(at + 16)) + ")";
    at += 9 + size;
  }
  return text;
}

CodecLimits smallLimits() {
  CodecLimits limits;
  limits.maxHeaderCount = 8;
  limits.maxHeaderFieldSize = 100;
  limits.maxHeaderListSize = 600;
  limits.resetBurst = 20;
  limits.resetsPerSecond = 1;
  return limits;
}

struct Served {
  std::string text;
  bool failed = false;
};

Served serveAll(const Pieces& pieces) {
  ServerOwner owner;
  const auto codec = createH2ServerCodec(owner, smallLimits());
  Buffer out;
  bool failed = false;
  for (const std::string& piece : pieces) {
    failed = !codec->receive(Slice::copyOf(piece));
    codec->produce(out, SIZE_MAX);
    if (failed) break;
  }
  codec->produce(out, SIZE_MAX);
  Served served{owner.text(), failed};
  for (const auto& r : owner.requests) {
    if (!r->body.empty()) served.text += " [" + r->body + "]";
  }
  served.text += errorsIn(out.toString());
  if (failed) {
    served.text += " failed";
    CHECK(codec->finished());
    CHECK(codec->activeStreams() == 0);
  }
  return served;
}

std::string serve(const Pieces& pieces) { return serveAll(pieces).text; }

void everyCut(const std::string& input, const std::string& expected,
              const std::function<std::string(const Pieces&)>& once = serve) {
  CAPTURE(input.size());
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
  INFO("byte by byte");
  CHECK(once(bytes) == expected);
  // The same input, spoilt: only that it does no harm.
  H2Visited visited;
  everyByte(input, 1, [&](size_t cut, uint64_t seed) {
    fuzzH2Server(input, cut, seed, smallLimits(), visited);
    fuzzH2Client(input, cut, seed, smallLimits(), visited);
  });
}

TEST_CASE("h2 wire: messages") {
  const uint8_t open = kEndHeaders;
  everyCut(kPreface + request(1), "GET / end");
  everyCut(kPreface + request(1, "", open) + frame(kData, 0, 1, "ab") + frame(kData, kEndStream, 1, "c"),
           "GET / data end [abc]");
  everyCut(kPreface + request(1, "", open) + frame(kData, 0, 1, "ab") +
               frame(kHeaders, kEndStream | kEndHeaders, 1, field("x", "y")),
           "GET / data trailers end [ab]");
  everyCut(kPreface + frame(kHeaders, kEndStream, 1, fields("").substr(0, 9)) +
               frame(kContinuation, kEndHeaders, 1, fields("").substr(9)),
           "GET / end");
  everyCut(kPreface + request(1, field("content-length", "2"), open) + frame(kData, kEndStream, 1, "ab"),
           "GET / data end [ab]");
}

TEST_CASE("h2 wire: broken messages are stream errors") {
  const std::string rst = " rst(1:1)";
  for (const std::string& extra :
       {field("connection", "close"), field("keep-alive", "1"), field("transfer-encoding", "chunked"),
        field("upgrade", "x"), field("te", "gzip"), field("X", "y"), field("x y", "z"), field("x", "a\r\nb: c"),
        field("x", std::string("a\0b", 3)), field("x", " a"), field("host", "b"),
        field("host", "a") + field("host", "a"), field(":path", "/2"), field(":odd", "1"),
        field("transfer_encoding", "chunked"), field("content_length", "1"), field("content-length", "010"),
        field("content-length", "+1"), field("content-length", "1") + field("content-length", "2")}) {
    CAPTURE(extra);
    everyCut(kPreface + request(1, extra), rst);
  }
  everyCut(kPreface + frame(kHeaders, 5, 1, field(":method", "GET") + field(":scheme", "http")), rst);
  everyCut(kPreface + frame(kHeaders, 5, 1,
                            field(":method", "G T") + field(":scheme", "http") + field(":path", "/") +
                                field(":authority", "a")),
           rst);
  everyCut(kPreface + frame(kHeaders, 5, 1,
                            field(":method", "GET") + field(":scheme", "http") + field(":path", "/ x") +
                                field(":authority", "a")),
           rst);
  const auto target = [](const std::string& path, const std::string& authority) {
    return kPreface + frame(kHeaders, 5, 1,
                            field(":method", "GET") + field(":scheme", "http") + field(":path", path) +
                                field(":authority", authority));
  };
  for (const char* path : {"http://evil/x", "evil", "/#a", "/\xc3\xa4", "/%00", "*"})
    everyCut(target(path, "a"), rst);
  for (const char* authority : {"u@a", "a,b", "\xc3\xa4", "a/b", ""})
    everyCut(target("/", authority), rst);
  // A request that breaks within the read that brought it is not even told.
  const auto brokenBody = [](const std::string& length, uint8_t flags, const std::string& told) {
    const std::string head = kPreface + request(1, field("content-length", length), kEndHeaders);
    const std::string data = frame(kData, flags, 1, "ab");
    CHECK(serve({head + data}) == " rst(1:1)");
    CHECK(serve({head, data}) == told);
  };
  brokenBody("5", kEndStream, "GET / data reset:protocol_error [ab] rst(1:1)");
  brokenBody("1", 0, "GET / reset:protocol_error rst(1:1)");
  everyCut(kPreface + request(1, field("host", "a")), "GET / end");
}

TEST_CASE("h2 wire: refused requests and limits") {
  everyCut(kPreface + frame(kHeaders, 5, 1,
                            field(":method", "PRI") + field(":scheme", "http") + field(":path", "/") +
                                field(":authority", "a")),
           "bad:501 end closed");
  everyCut(kPreface + frame(kHeaders, kEndHeaders, 1, field(":method", "CONNECT") + field(":authority", "a:1")),
           "bad:405 closed rst(1:0)");
  everyCut(kPreface + request(1, field("expect", "tea")), "bad:417 end closed");
  everyCut(kPreface + request(1, field("expect", "tea") + field("expect", "100-continue")), "bad:417 end closed");
  std::string many;
  for (int i = 0; i < 9; ++i)
    many += field("x" + std::to_string(i), "y");
  everyCut(kPreface + request(1, many), "bad:431 end closed");
  everyCut(kPreface + request(1, field("x", std::string(101, 'a'))), "bad:431 end closed");
  // Cookie crumbs count; and HPACK stays in step for the next stream.
  std::string crumbs;
  for (int i = 0; i < 9; ++i)
    crumbs += field("cookie", "a=b");
  everyCut(kPreface + request(1, crumbs) + request(3), "bad:431 end closed | GET / end");
  std::string trailers;
  for (int i = 0; i < 9; ++i)
    trailers += field("t" + std::to_string(i), "y");
  const std::string head = kPreface + request(1, "", kEndHeaders);
  everyCut(frame(kHeaders, 5, 1, trailers), "GET / reset:protocol_error rst(1:1)", [&](Pieces pieces) {
    pieces.insert(pieces.begin(), head);
    return serve(pieces);
  });
}

TEST_CASE("h2 wire: cookie crumbs become one field") {
  ServerOwner owner;
  const auto codec = createH2ServerCodec(owner, CodecLimits{});
  const std::string in = kPreface + request(1, field("cookie", "a=1") + field("x", "y") + field("cookie", "b=2"));
  REQUIRE(codec->receive(Slice::copyOf(in)));
  CHECK(owner.requests.at(0)->request.headers.find("cookie") == "a=1; b=2");
  // Empty ones leave nothing behind: a field's value ends with no space (RFC 9110 5.5).
  const std::string empty =
      field("cookie", "") + field("cookie", "a=1") + field("cookie", "") + field("cookie", "b=2");
  REQUIRE(codec->receive(Slice::copyOf(request(3, empty + field("cookie", "")))));
  CHECK(owner.requests.at(1)->request.headers.find("cookie") == "a=1; b=2");
}

TEST_CASE("h2 wire: connection errors") {
  const std::string padding(8, '\0');
  const std::vector<std::string> cases = {
      frame(kData, 0, 1, "x"),                    // idle stream
      frame(kHeaders, 5, 2, fields("")),          // even id
      frame(kWindow, 0, 0, bytes32(0)),           // increment 0 on the connection
      frame(kWindow, 0, 0, bytes32(0x7fffffff)),  // window overflow
      frame(kPing, 0, 0, "short"),
      frame(kPing, 0, 1, padding),
      frame(kSettings, 0, 1, ""),
      frame(kSettings, 0, 0, "abc"),
      frame(kPush, kEndHeaders, 1, bytes32(2)),
      frame(kContinuation, kEndHeaders, 1, ""),
      frame(kRst, 0, 1, bytes32(8)),            // idle stream
      frame(kHeaders, kEndHeaders, 1, "\x80"),  // HPACK index 0
      request(1, "", kEndStream) + request(3),  // header block interrupted
  };
  for (const std::string& in : cases) {
    CAPTURE(in);
    const Served whole = serveAll({kPreface + in});
    CHECK(whole.failed);
    CHECK(whole.text.find("goaway(") != std::string::npos);
    everyCut(kPreface + in, whole.text);
  }
}

TEST_CASE("h2 wire: frames on streams that are over") {
  const std::string cancelled = kPreface + request(1, "", kEndHeaders) + frame(kRst, 0, 1, bytes32(8));
  const auto ends = [](const std::string& in, int code) {
    const std::string text = serve({in});
    CAPTURE(in);
    CHECK(text.find(" goaway(" + std::to_string(code) + ")") != std::string::npos);
  };
  ends(cancelled + frame(kHeaders, 5, 1, field("x", "y")), 5);
  ends(kPreface + request(5) + request(3), 1);
  ends(kPreface + frame(kPriority, 0, 0, std::string("\0\0\0\1\x10", 5)), 1);
  // What we have reset may still be sent to: it was on its way.
  const std::string refused = kPreface + request(1, field("te", "gzip"), kEndHeaders);
  CHECK(serve({refused, frame(kData, 0, 1, "x") + frame(kHeaders, 5, 1, field("x", "y")) + request(3)}) ==
        "GET / end rst(1:1)");
  CHECK(serve({cancelled + frame(kWindow, 0, 1, bytes32(8)) + frame(kPriority, 0, 1, std::string(5, '\0')) +
               frame(kRst, 0, 1, bytes32(8)) + request(3)}) == "GET / end");
}

TEST_CASE("h2 wire: floods end the connection") {
  const auto repeat = [](size_t n, const std::function<std::string(uint32_t)>& one) {
    std::string text = kPreface;
    for (size_t i = 0; i < n; ++i)
      text += one(static_cast<uint32_t>(2 * i + 1));
    return text;
  };
  const std::vector<std::string> floods = {
      repeat(40, [](uint32_t id) { return request(id, "", kEndHeaders) + frame(kRst, 0, id, bytes32(8)); }),
      repeat(40, [](uint32_t id) { return request(id, field("te", "gzip")); }),
      repeat(40, [](uint32_t id) { return request(id, "", kEndHeaders) + frame(kWindow, 0, id, bytes32(0)); }),
      repeat(40, [](uint32_t) { return frame(kPriority, 0, 1, std::string("\0\0\0\0\x10", 5)); }),
      request(0).empty() ? ""
                         : kPreface + request(1, "", kEndHeaders) +
                               repeat(40, [](uint32_t) { return frame(kData, 0, 1, ""); }).substr(kPreface.size()),
      repeat(2000, [](uint32_t) { return frame(kPing, 0, 0, std::string(8, 'p')); }),
      kPreface + frame(kHeaders, 0, 1, fields("")) +
          repeat(20, [](uint32_t) { return frame(kContinuation, 0, 1, ""); }).substr(kPreface.size()),
  };
  for (size_t i = 0; i < floods.size(); ++i) {
    CAPTURE(i);
    const Served served = serveAll({floods[i]});
    CHECK(served.failed);
    CHECK(served.text.find("goaway(") != std::string::npos);
  }
}

TEST_CASE("h2 wire: a header bomb ends the connection, not the memory") {
  std::string bomb;
  for (int i = 0; i < 100; ++i)
    bomb += field("x", std::string(100, 'b'));
  const Served served = serveAll({kPreface + request(1, bomb)});
  CHECK(served.failed);
  CHECK(served.text.find("goaway(11)") != std::string::npos);
}

/// A client with one open GET is given frames of a server.
std::string respond(const Pieces& pieces) {
  ClientOwner owner;
  const auto codec = createH2ClientCodec(owner, smallLimits());
  Recorder r;
  codec->openStream(r).sendHeaders(makeRequest("GET", "/"), true);
  Buffer out;
  codec->produce(out, SIZE_MAX);
  out.clear();
  bool failed = false;
  for (const std::string& piece : pieces) {
    failed = !codec->receive(Slice::copyOf(piece));
    codec->produce(out, SIZE_MAX);
    if (failed) break;
  }
  codec->produce(out, SIZE_MAX);
  return r.text() + errorsIn(out.toString()) + (failed ? " failed" : "");
}

TEST_CASE("h2 wire: responses") {
  const std::string settings = frame(kSettings, 0, 0, "");
  const auto head = [](const std::string& status, uint8_t flags, const std::string& extra = "") {
    return response(1, status, flags, extra);
  };
  everyCut(settings + head("200", 5), "head:200 end closed", respond);
  everyCut(settings + head("103", 4) + head("200", 4) + frame(kData, 1, 1, "x"), "1xx:103 head:200 data end closed",
           respond);
  everyCut(settings + head("101", 4), "reset:protocol_error rst(1:1)", respond);
  everyCut(settings + head("2x0", 4), "reset:protocol_error rst(1:1)", respond);
  everyCut(settings + head("700", 4), "reset:protocol_error rst(1:1)", respond);
  for (const std::string& extra : {field("transfer_encoding", "chunked"), field("content-length", "03")})
    everyCut(settings + head("200", 5, extra), "reset:protocol_error rst(1:1)", respond);
  everyCut(settings + head("200", 4, field("content-length", "3")) + frame(kData, 1, 1, "x"),
           "head:200 data reset:protocol_error rst(1:1)", respond);
  everyCut(settings + head("200", 4) + frame(kRst, 0, 1, bytes32(2)), "head:200 reset:internal_error", respond);
  everyCut(settings + frame(kRst, 0, 1, bytes32(7)), "reset:refused", respond);
  everyCut(settings + frame(kGoAway, 0, 0, bytes32(0) + bytes32(11) + "too_many_pings"), "reset:refused", respond);
  std::string many;
  for (int i = 0; i < 17; ++i)
    many += head("103", 4);
  std::string told;
  for (int i = 0; i < 16; ++i)
    told += "1xx:103 ";
  everyCut(settings + many, told + "reset:protocol_error rst(1:1)", respond);
  everyCut(settings + frame(kSettings, 1, 0, "") + frame(kPush, 4, 1, bytes32(2) + fields("")),
           "reset:protocol_error goaway(1) failed", respond);
}

}  // namespace
}  // namespace peerpulse::http::test
