// The h1 codecs back to back (RFC 9112).
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "pair.h"

namespace peerpulse::http::test {
namespace {

using Pair = H1Pair;

TEST_CASE("h1: several exchanges over one connection") {
  Pair p;
  for (int i = 0; i < 3; ++i) {
    Recorder r;
    RequestHead head = makeRequest("GET", "/a%2fb//..?q");
    head.headers.add("X-Case", "Kept");
    head.headers.add("Connection", "x");
    head.headers.add("te", "trailers");
    p.open(r).sendHeaders(head, true);
    p.wire.run();
    Recorder& s = p.request(static_cast<size_t>(i));
    CHECK(s.text() == "GET /a%2fb//..?q end");
    CHECK(s.request.authority == "peer:9000");
    CHECK(s.request.headers.at(0).name == "X-Case");
    CHECK(s.request.headers.find("te") == "trailers");
    CHECK(s.request.headers.count() == 2);
    s.answer->sendInformational(makeResponse(103));
    ResponseHead ok = makeResponse(200);
    ok.headers.add("Content-Length", "5");
    s.answer->sendHeaders(ok, false);
    s.answer->sendData(Slice::copyOf("hello"));
    s.answer->sendEnd();
    p.wire.run();
    CHECK(r.text() == "1xx:103 head:200 data end closed");
    CHECK(r.body == "hello");
    CHECK(r.response.contentLength == 5u);
    CHECK(s.text() == "GET /a%2fb//..?q end closed");
    CHECK(s.bodySent == 5);
    CHECK(p.client->canOpenStream());
    CHECK_FALSE(p.client->finished());
    CHECK_FALSE(p.server->finished());
  }
}

TEST_CASE("h1: bytes on the wire") {
  Pair p;
  Recorder r;
  RequestHead head = makeRequest("PUT", "/x");
  head.headers.add("a", "1");
  RequestStream& q = p.open(r);
  q.sendHeaders(head, false);
  q.sendData(Slice::copyOf("0123456789abcdef"));
  HeaderList trailers;
  trailers.add("x-sum", "7");
  trailers.add("content-length", "1");
  q.sendEnd(trailers);
  const std::string wire = produced(*p.client);
  CHECK(wire ==
        "PUT /x HTTP/1.1\r\nHost: peer:9000\r\na: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        "10\r\n0123456789abcdef\r\n0\r\nx-sum: 7\r\n\r\n");
  REQUIRE(p.server->receive(Slice::copyOf(wire)));
  Recorder& s = p.request(0);
  CHECK(s.text() == "PUT /x data trailers end");
  CHECK(s.trailers.find("x-sum") == "7");
  s.answer->sendHeaders(makeResponse(200), false);
  s.answer->sendData(Slice::copyOf("ok"));
  s.answer->sendEnd(trailers);
  const std::string answer = produced(*p.server);
  CHECK(answer == "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n");
  REQUIRE(p.client->receive(Slice::copyOf(answer)));
  CHECK(r.text() == "head:200 data trailers end closed");
  CHECK(p.client->canOpenStream());
}

TEST_CASE("h1: a big body never has more than the window outstanding") {
  for (const bool chunked : {false, true}) {
    CodecLimits limits;
    limits.streamWindow = 128 * 1024;
    Pair p(limits);
    Recorder r;
    const size_t total = 4 * 1024 * 1024;
    RequestHead head = makeRequest("PUT", "/big");
    if (!chunked) head.headers.add("content-length", std::to_string(total));
    RequestStream& q = p.open(r);
    q.sendHeaders(head, false);
    const std::string piece(64 * 1024, 'x');
    for (size_t i = 0; i < total / piece.size(); ++i)
      q.sendData(Slice::copyOf(piece));
    q.sendEnd();
    p.wire.run();
    Recorder& s = p.request(0);
    const size_t bound = limits.streamWindow + 64 * 1024;  // one read beyond
    CHECK(s.received >= limits.streamWindow);
    CHECK_FALSE(p.server->wantsRead());
    size_t given = 0;
    s.keepBody = false;
    while (s.received < total) {
      REQUIRE(s.received > given);
      CHECK(s.received - given <= bound);
      const size_t n = s.received - given;
      given += n;
      s.stream->consumed(n);
      CHECK(p.server->wantsRead());
      p.wire.run();
    }
    CHECK(r.bodySent == total);
    CHECK(s.log.back() == "end");
  }
}

TEST_CASE("h1: body slices share memory with the read and the write") {
  for (const bool chunked : {false, true}) {
    CodecLimits limits;
    limits.streamWindow = 2 * 1024 * 1024;
    Pair p(limits);
    Recorder r;
    RequestHead head = makeRequest("PUT", "/share");
    if (!chunked) head.headers.add("content-length", "1048576");
    const Slice body = Slice::copyOf(std::string(1024 * 1024, 'b'));
    RequestStream& q = p.open(r);
    q.sendHeaders(head, false);
    q.sendData(body);
    q.sendEnd();
    Buffer out;
    p.client->produce(out, SIZE_MAX);
    Buffer copy;
    size_t shared = 0;
    while (!out.empty()) {
      Slice part = out.takeFront();
      if (part.data() >= body.data() && part.data() < body.data() + body.size()) shared += part.size();
      copy.append(std::move(part));
    }
    CHECK(shared == body.size());
    const Slice read = asOneRead(copy);
    REQUIRE(p.server->receive(read));
    size_t inside = 0;
    for (const Slice& slice : p.request(0).slices) {
      if (slice.data() >= read.data() && slice.data() < read.data() + read.size()) inside += slice.size();
    }
    CHECK(inside == body.size());
  }
}

TEST_CASE("h1: what a sender gave in one chunk is not delivered in small pieces, what came by itself is at once") {
  const auto pieces = [](const std::string& fields, const std::vector<std::string>& reads) {
    ServerOwner owner;
    std::vector<size_t> sizes;
    owner.onNew = [&](Recorder& r) { r.onDataHook = [&](Recorder&, size_t n) { sizes.push_back(n); }; };
    const auto codec = createH1ServerCodec(owner, CodecLimits{});
    REQUIRE(codec->receive(Slice::copyOf("PUT / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n\r\n")));
    for (const std::string& read : reads)
      REQUIRE(codec->receive(Slice::copyOf(read)));
    return sizes;
  };
  using Sizes = std::vector<size_t>;
  const auto x = [](size_t n) { return std::string(n, 'x'); };
  const std::string chunked = "Transfer-Encoding: chunked";
  CHECK(pieces(chunked, {"1000\r\n" + x(4090), x(6) + "\r\n"}) == Sizes{3840, 256});
  CHECK(pieces(chunked, {"1000\r\n" + x(6), x(4090) + "\r\n"}).size() <= 2);
  CHECK(pieces(chunked, {"5\r\nhello\r\n", "1\r\n!\r\n"}) == Sizes{5, 1});
  CHECK(pieces(chunked, {"1000\r\n" + x(6)}).empty());
  CHECK(pieces("Content-Length: 5000", {x(4990), x(10)}) == Sizes{4744, 256});
  CHECK(pieces("Content-Length: 5000", {x(10), x(20)}) == Sizes{10, 20});
  CHECK(pieces("Content-Length: 8", {x(4), x(4)}) == Sizes{8});
}

TEST_CASE("h1: what waited to be joined of a request is not lost, however its connection ends") {
  for (const bool inOrder : {false, true}) {
    CAPTURE(inOrder);
    Pair p;
    REQUIRE(p.server->receive(Slice::copyOf("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")));
    CHECK(p.request(0).received == 0);
    if (inOrder) {
      p.server->receiveEof();
    } else {
      p.server->connectionLost("reset");
    }
    CHECK(p.request(0).text() == "PUT / data reset:connection_closed");
    CHECK(p.request(0).body == "abc");
  }
}

TEST_CASE("h1: nor is what waited of an answer, however its connection ends") {
  for (const bool inOrder : {false, true}) {
    CAPTURE(inOrder);
    Pair p;
    Recorder r;
    RequestHead get;
    get.method = "GET";
    get.path = "/";
    get.authority = "a";
    p.open(r).sendHeaders(get, true);
    produced(*p.client);
    REQUIRE(p.client->receive(Slice::copyOf("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")));
    CHECK(r.received == 0);
    if (inOrder) {
      p.client->receiveEof();
    } else {
      p.client->connectionLost("reset");
    }
    CHECK(r.text() == "head:200 data reset:connection_closed");
    CHECK(r.body == "abc");
  }
}

TEST_CASE("h1: any token is a method, on both sides") {
  Pair p;
  for (const char* method : {"REPLICATE", "SSYNC", "get", "SOURCE", "X!y"}) {
    Recorder r;
    p.open(r).sendHeaders(makeRequest(method, "/"), true);
    p.wire.run();
    p.serverOwner.requests.back()->answer->sendHeaders(makeResponse(204), true);
    p.wire.run();
    CHECK(p.serverOwner.requests.back()->text() == std::string(method) + " / end closed");
    CHECK(r.text() == "head:204 end closed");
  }
}

TEST_CASE("h1: pipelined requests are served one after the other") {
  Pair p;
  std::string wire;
  for (const char* path : {"/1", "/2", "/3"}) {
    wire += "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  REQUIRE(p.server->receive(Slice::copyOf(wire)));
  REQUIRE(p.serverOwner.requests.size() == 1);
  p.server->receiveEof();  // said all it had to say
  for (size_t i = 0; i < 3; ++i) {
    REQUIRE(p.serverOwner.requests.size() == i + 1);
    p.request(i).answer->sendHeaders(makeResponse(204), true);
    CHECK(produced(*p.server).substr(0, 12) == "HTTP/1.1 204");
  }
  CHECK(p.serverOwner.text() == "GET /1 end closed | GET /2 end closed | GET /3 end closed");
  CHECK(p.server->finished());
}

TEST_CASE("h1: a connection that is given up begins no request that waits") {
  Pair p;
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  REQUIRE(p.server->receive(Slice::copyOf(request + request)));
  REQUIRE(p.serverOwner.requests.size() == 1);
  SUBCASE("its answer is on the way") { p.request(0).answer->sendHeaders(makeResponse(204), true); }
  SUBCASE("it has no answer yet") {}
  p.server->goAway();
  p.server->goAway();
  (void)produced(*p.server);
  CHECK(p.serverOwner.requests.size() == 1);
  p.server->connectionLost("given up");
  CHECK(p.serverOwner.requests.size() == 1);
}

TEST_CASE("h1: HEAD, 204 and 304 answers have no body") {
  Pair p;
  for (const int status : {200, 204, 304}) {
    Recorder r;
    p.open(r).sendHeaders(makeRequest(status == 200 ? "HEAD" : "GET", "/"), true);
    p.wire.run();
    ResponseHead head = makeResponse(status);
    head.headers.add("content-length", "10");
    Recorder& s = *p.serverOwner.requests.back();
    s.answer->sendHeaders(head, false);
    s.answer->sendData(Slice::copyOf("0123456789"));
    s.answer->sendEnd();
    p.wire.run();
    CHECK(r.text() == "head:" + std::to_string(status) + " end closed");
    CHECK(s.bodySent == 10);
    CHECK(p.client->canOpenStream());
  }
}

TEST_CASE("h1: HTTP/1.0 clients") {
  Pair p;
  REQUIRE(p.server->receive(Slice::copyOf("GET /old HTTP/1.0\r\n\r\n")));
  Recorder& s = p.request(0);
  CHECK((s.request.version == Version::kHttp10));
  s.answer->sendInformational(makeResponse(100));
  s.answer->sendHeaders(makeResponse(200), false);
  s.answer->sendData(Slice::copyOf("all"));
  s.answer->sendEnd();
  CHECK(produced(*p.server) == "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall");
  CHECK(p.server->finished());

  Pair q;
  REQUIRE(q.server->receive(Slice::copyOf("GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")));
  q.request(0).answer->sendHeaders(makeResponse(200), true);
  CHECK(produced(*q.server) == "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n");
  CHECK_FALSE(q.server->finished());
}

TEST_CASE("h1: Connection: close and drain") {
  Pair p;
  REQUIRE(p.server->receive(Slice::copyOf("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")));
  p.request(0).answer->sendHeaders(makeResponse(200), true);
  CHECK(produced(*p.server) == "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  CHECK(p.server->finished());

  Pair q;
  Recorder r;
  q.open(r).sendHeaders(makeRequest("GET", "/"), true);
  q.wire.run();
  q.server->drain();
  CHECK_FALSE(q.server->finished());
  q.request(0).answer->sendHeaders(makeResponse(200), true);
  q.wire.run();
  CHECK(r.text() == "head:200 end closed");
  CHECK(q.server->finished());
  CHECK(q.client->finished());
  Pair idle;
  idle.server->drain();
  CHECK(idle.server->finished());
  idle.client->drain();
  CHECK(idle.client->finished());
}

TEST_CASE("h1: early answer, then a bounded drain of the body") {
  Pair p;
  REQUIRE(p.server->receive(Slice::copyOf("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc")));
  Recorder& s = p.request(0);
  s.answer->sendHeaders(makeResponse(413), true);
  CHECK(produced(*p.server) == "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  CHECK(s.text() == "PUT / data closed");
  CHECK_FALSE(p.server->finished());
  const std::string piece(100 * 1024, 'x');
  REQUIRE(p.server->receive(Slice::copyOf(piece)));
  REQUIRE(p.server->receive(Slice::copyOf(piece)));
  CHECK_FALSE(p.server->finished());
  REQUIRE(p.server->receive(Slice::copyOf(piece)));
  CHECK(p.server->finished());

  Pair q;  // waits for 100 (Continue): there is nothing to drain
  REQUIRE(q.server->receive(
      Slice::copyOf("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")));
  CHECK(q.request(0).request.headers.find("expect") == "100-continue");
  q.request(0).answer->sendHeaders(makeResponse(403), true);
  produced(*q.server);
  CHECK(q.server->finished());
}

TEST_CASE("h1: what a stream did not give back is not held against the connection") {
  CodecLimits limits;
  limits.streamWindow = 1000;
  Pair p(limits);
  REQUIRE(p.server->receive(
      Slice::copyOf("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n" + std::string(1500, 'x'))));
  CHECK_FALSE(p.server->wantsRead());
  p.request(0).answer->sendHeaders(makeResponse(413), true);
  produced(*p.server);
  CHECK(p.server->wantsRead());  // the rest goes nowhere
  REQUIRE(p.server->receive(Slice::copyOf(std::string(500, 'x'))));
  CHECK(p.server->finished());

  Recorder r;
  p.open(r).sendHeaders(makeRequest("GET", "/"), true);
  produced(*p.client);
  REQUIRE(
      p.client->receive(Slice::copyOf("HTTP/1.1 200 OK\r\nContent-Length: 1500\r\n\r\n" + std::string(1500, 'y'))));
  CHECK(r.text() == "head:200 data end closed");
  CHECK(p.client->wantsRead());  // an idle connection hears its end
}

TEST_CASE("h1: a complete answer before the request was all sent") {
  Pair p;
  Recorder r;
  p.open(r).sendHeaders(makeRequest("POST", "/"), false);
  produced(*p.client);
  REQUIRE(p.client->receive(Slice::copyOf("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")));
  CHECK(r.text() == "head:200 end closed");
  CHECK(p.client->finished());
}

TEST_CASE("h1: h2c is not forwarded, an unasked 101 is a fault") {
  Pair p;
  REQUIRE(
      p.server->receive(Slice::copyOf("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, "
                                      "HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n")));
  CHECK(p.request(0).request.upgrade == "");
  CHECK(p.request(0).request.headers.empty());
  Recorder r;
  p.open(r).sendHeaders(makeRequest("GET", "/"), true);
  produced(*p.client);
  CHECK_FALSE(p.client->receive(
      Slice::copyOf("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")));
  CHECK(r.text() == "reset:protocol_error");
  CHECK(p.client->finished());
}

TEST_CASE("h1: resets and lost connections") {
  Pair p;
  Recorder r;
  p.open(r).sendHeaders(makeRequest("GET", "/"), true);
  p.wire.run();
  Recorder& s = p.request(0);
  s.answer->sendHeaders(makeResponse(200), false);
  s.answer->sendData(Slice::copyOf("part"));
  p.wire.run();
  s.answer->reset(ResetReason::kConnectionClosed);
  CHECK(produced(*p.server) == "");  // no last chunk
  CHECK(p.server->finished());
  p.client->receiveEof();
  CHECK(r.text() == "head:200 data reset:connection_closed");
  CHECK(s.log.back() != "closed");

  Pair q;
  Recorder t;
  q.open(t).reset(ResetReason::kCancel);  // nothing sent: nothing lost
  CHECK(q.client->canOpenStream());
  q.open(t).sendHeaders(makeRequest("GET", "/"), true);
  q.wire.run();
  t.stream->reset(ResetReason::kCancel);
  CHECK(q.client->finished());
  q.server->connectionLost("gone");
  CHECK(q.request(0).text() == "GET / end reset:connection_closed");
}

TEST_CASE("h1: a body that breaks its content-length is never ended in order") {
  for (const char* body : {"ab", "abcdef"}) {
    Pair p;
    REQUIRE(p.server->receive(Slice::copyOf("GET / HTTP/1.1\r\nHost: a\r\n\r\n")));
    Recorder& s = p.request(0);
    ResponseHead head = makeResponse(200);
    head.headers.add("content-length", "4");
    s.answer->sendHeaders(head, false);
    s.answer->sendData(Slice::copyOf(body));
    s.answer->sendEnd();
    produced(*p.server);
    CHECK(s.log.back() == "reset:internal_error");
    CHECK(p.server->finished());
  }
}

TEST_CASE("h1: re-entry from callbacks") {
  Pair p;
  p.serverOwner.onNew = [](Recorder& r) {
    r.onEndHook = [](Recorder& self) {
      self.answer->sendHeaders(makeResponse(200), false);
      self.answer->sendData(Slice::copyOf("x"));
      self.answer->sendEnd();
    };
    if (r.request.path == "/cut") {
      r.onDataHook = [](Recorder& self, size_t) { self.answer->reset(ResetReason::kCancel); };
    }
  };
  Recorder a;
  p.open(a).sendHeaders(makeRequest("GET", "/a"), true);
  p.wire.run();
  CHECK(a.text() == "head:200 data end closed");
  Recorder b;
  b.onHeadHook = [](Recorder& r) { r.stream->reset(ResetReason::kCancel); };
  p.open(b).sendHeaders(makeRequest("GET", "/b"), true);
  p.wire.run();
  CHECK(b.text() == "head:200");
  CHECK(p.client->finished());
  Pair q;
  q.serverOwner.onNew = p.serverOwner.onNew;
  Recorder c;
  RequestStream& cut = q.open(c);
  cut.sendHeaders(makeRequest("POST", "/cut"), false);
  cut.sendData(Slice::copyOf("123"));
  cut.sendEnd();
  q.wire.run();
  CHECK(q.request(0).text() == "POST /cut data");
  CHECK(q.server->finished());
}

}  // namespace
}  // namespace peerpulse::http::test
