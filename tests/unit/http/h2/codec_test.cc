// The h2 codecs back to back (RFC 9113).
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "pair.h"

namespace peerpulse::http::test {
namespace {

using Pair = H2Pair;

TEST_CASE("h2: a request without body and its answer") {
  Pair p;
  Recorder r;
  RequestHead head = makeRequest("GET", "/a%2Fb?x=1");
  head.headers.add("X-Mixed", "Value");
  head.headers.add("te", "trailers");
  head.headers.add("connection", "close");
  head.headers.add("cookie", "a=1");
  p.open(r).sendHeaders(head, true);
  p.wire.run();
  REQUIRE(p.serverOwner.requests.size() == 1);
  Recorder& s = *p.serverOwner.requests[0];
  CHECK(s.text() == "GET /a%2Fb?x=1 end");
  CHECK(s.request.authority == "peer:9000");
  CHECK(s.request.scheme == "http");
  CHECK((s.request.version == Version::kHttp2));
  CHECK(s.request.headers.find("x-mixed") == "Value");
  CHECK(s.request.headers.find("te") == "trailers");
  CHECK_FALSE(s.request.headers.has("connection"));
  s.answer->sendInformational(makeResponse(103));
  ResponseHead ok = makeResponse(200);
  ok.headers.add("content-length", "5");
  s.answer->sendHeaders(ok, false);
  s.answer->sendData(Slice::copyOf("hello"));
  s.answer->sendEnd();
  p.wire.run();
  CHECK(r.text() == "1xx:103 head:200 data end closed");
  CHECK(r.body == "hello");
  CHECK(r.response.contentLength == 5u);
  CHECK(s.text() == "GET /a%2Fb?x=1 end closed");
  CHECK(s.bodySent == 5);
  CHECK(p.client->activeStreams() == 0);
  CHECK(p.server->activeStreams() == 0);
}

TEST_CASE("h2: any token is a method, on both sides") {
  Pair p;
  for (const char* method : {"REPLICATE", "SSYNC", "get", "X!y"}) {
    Recorder r;
    p.open(r).sendHeaders(makeRequest(method, "/"), true);
    p.wire.run();
    p.serverOwner.requests.back()->answer->sendHeaders(makeResponse(204), true);
    p.wire.run();
    CHECK(p.serverOwner.requests.back()->text() == std::string(method) + " / end closed");
    CHECK(r.text() == "head:204 end closed");
  }
}

TEST_CASE("fields: as many as Swift sends pass both codecs, both ways") {
  ClientOwner clientOwner;
  ServerOwner serverOwner;
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    const CodecLimits limits;
    const auto client = http2 ? createH2ClientCodec(clientOwner, limits) : createH1ClientCodec(clientOwner, limits);
    const auto server = http2 ? createH2ServerCodec(serverOwner, limits) : createH1ServerCodec(serverOwner, limits);
    Wire wire(*client, *server);
    RequestHead head = makeRequest("PUT", "/");
    ResponseHead answer = makeResponse(201);
    for (int i = 0; i < 106; ++i)
      head.headers.add("x-object-meta-" + std::to_string(i), "v");
    for (int i = 0; i < 111; ++i)
      answer.headers.add("x-object-meta-" + std::to_string(i), "v");
    Recorder r;
    wire.run();
    client->openStream(r).sendHeaders(head, true);
    wire.run();
    Recorder& served = *serverOwner.requests.back();
    REQUIRE(served.text() == "PUT / end");
    CHECK(served.request.headers.count() >= 106);
    served.answer->sendHeaders(answer, true);
    wire.run();
    CHECK(r.log.front() == "head:201");
    CHECK(r.response.headers.count() >= 111);
  }
}

TEST_CASE("h2: bodies and trailers both ways") {
  Pair p;
  Recorder r;
  RequestStream& q = p.open(r);
  q.sendHeaders(makeRequest("POST", "/up"), false);
  q.sendData(Slice::copyOf("abc"));
  HeaderList trailers;
  trailers.add("x-sum", "1");
  trailers.add("content-length", "9");
  q.sendEnd(trailers);
  p.wire.run();
  Recorder& s = *p.serverOwner.requests.at(0);
  CHECK(s.text() == "POST /up data trailers end");
  CHECK(s.trailers.find("x-sum") == "1");
  CHECK_FALSE(s.trailers.has("content-length"));
  s.answer->sendHeaders(makeResponse(200), false);
  HeaderList grpc;
  grpc.add("grpc-status", "0");
  s.answer->sendEnd(grpc);
  p.wire.run();
  CHECK(r.text() == "head:200 trailers end closed");
  CHECK(r.trailers.find("grpc-status") == "0");
}

TEST_CASE("h2: a big body never has more than the window outstanding") {
  CodecLimits limits;
  limits.streamWindow = 128 * 1024;
  Pair p(limits);
  Recorder r;
  RequestStream& q = p.open(r);
  q.sendHeaders(makeRequest("PUT", "/big"), false);
  const size_t total = 4 * 1024 * 1024;
  const std::string piece(64 * 1024, 'x');
  for (size_t i = 0; i < total / piece.size(); ++i)
    q.sendData(Slice::copyOf(piece));
  q.sendEnd();
  p.wire.run();
  Recorder& s = *p.serverOwner.requests.at(0);
  CHECK(s.received == limits.streamWindow);
  CHECK(r.bodySent == limits.streamWindow);
  s.keepBody = false;
  size_t given = 0;
  while (!s.gone() && s.received < total) {
    REQUIRE(s.received > given);
    CHECK(s.received - given <= limits.streamWindow);
    const size_t n = s.received - given;
    given += n;
    s.stream->consumed(n);
    p.wire.run();
  }
  CHECK(s.received == total);
  CHECK(r.bodySent == total);
}

TEST_CASE("h2: a stalled stream does not block others") {
  CodecLimits limits;
  limits.streamWindow = 1024 * 1024;
  Pair p(limits);
  // 32 stalled streams of 1 MiB each: twice the connection window.
  std::vector<std::unique_ptr<Recorder>> stalled;
  for (int i = 0; i < 32; ++i) {
    stalled.push_back(std::make_unique<Recorder>());
    RequestStream& q = p.open(*stalled.back());
    q.sendHeaders(makeRequest("PUT", "/stall"), false);
    q.sendData(Slice::copyOf(std::string(1024 * 1024, 's')));
  }
  p.wire.run();
  Recorder r;
  RequestStream& q = p.open(r);
  q.sendHeaders(makeRequest("PUT", "/free"), false);
  q.sendData(Slice::copyOf(std::string(1024 * 1024, 'f')));
  q.sendEnd();
  p.wire.run();
  CHECK(p.serverOwner.requests.back()->text() == "PUT /free data end");
  CHECK(p.serverOwner.requests.back()->received == 1024 * 1024);
}

TEST_CASE("h2: body slices share memory with the read and the write") {
  CodecLimits limits;
  limits.streamWindow = 2 * 1024 * 1024;
  Pair p(limits);
  Recorder r;
  RequestStream& q = p.open(r);
  q.sendHeaders(makeRequest("PUT", "/share"), false);
  const Slice body = Slice::copyOf(std::string(1024 * 1024, 'b'));
  q.sendData(body);
  q.sendEnd();
  Buffer out;
  p.client->produce(out, SIZE_MAX);
  size_t shared = 0;
  Buffer copy;
  while (!out.empty()) {
    Slice part = out.takeFront();
    if (part.data() >= body.data() && part.data() < body.data() + body.size()) shared += part.size();
    copy.append(std::move(part));
  }
  CHECK(shared == body.size());
  const Slice read = asOneRead(copy);
  REQUIRE(p.server->receive(read));
  Recorder& s = *p.serverOwner.requests.at(0);
  CHECK(s.received == body.size());
  size_t inside = 0;
  for (const Slice& slice : s.slices) {
    if (slice.data() >= read.data() && slice.data() < read.data() + read.size()) inside += slice.size();
  }
  CHECK(inside >= body.size() - 2048);
}

TEST_CASE("h2: produce() stops near its limit") {
  Pair p;
  Recorder r;
  RequestStream& q = p.open(r);
  q.sendHeaders(makeRequest("PUT", "/limit"), false);
  q.sendData(Slice::copyOf(std::string(400 * 1024, 'b')));
  Buffer out;
  p.client->produce(out, 32 * 1024);
  CHECK(out.size() >= 32 * 1024);
  CHECK(out.size() <= 32 * 1024 + 64 * 1024 + 9);
}

TEST_CASE("h2: resets both ways") {
  Pair p;
  Recorder a;
  Recorder b;
  p.open(a).sendHeaders(makeRequest("POST", "/a"), false);
  p.open(b).sendHeaders(makeRequest("POST", "/b"), false);
  p.wire.run();
  a.stream->reset(ResetReason::kCancel);
  p.serverOwner.requests.at(1)->answer->reset(ResetReason::kRefused);
  p.wire.run();
  CHECK(p.serverOwner.requests[0]->text() == "POST /a reset:cancel");
  CHECK(a.text() == "");
  CHECK(b.text() == "reset:refused");
  CHECK(p.serverOwner.requests[1]->text() == "POST /b");
  CHECK(p.client->activeStreams() == 0);
  CHECK(p.server->activeStreams() == 0);
}

TEST_CASE("h2: opened and reset before the server saw it") {
  Pair p;
  Recorder a;
  RequestStream& q = p.open(a);
  q.sendHeaders(makeRequest("GET", "/a"), true);
  Buffer out;
  p.client->produce(out, SIZE_MAX);
  q.reset(ResetReason::kCancel);
  p.client->produce(out, SIZE_MAX);
  REQUIRE(p.server->receive(asOneRead(out)));
  CHECK(p.serverOwner.requests.empty());
  Recorder b;
  p.open(b).reset(ResetReason::kCancel);  // before its head
  CHECK(p.client->activeStreams() == 0);
}

TEST_CASE("h2: early answer ends the upload without an error") {
  Pair p;
  Recorder r;
  RequestStream& q = p.open(r);
  q.sendHeaders(makeRequest("PUT", "/early"), false);
  p.wire.run();
  Recorder& s = *p.serverOwner.requests.at(0);
  s.answer->sendHeaders(makeResponse(413), true);
  p.wire.run();
  CHECK(r.text() == "head:413 end closed");
  CHECK(s.text() == "PUT /early closed");
}

TEST_CASE("h2: HEAD answers carry no body") {
  Pair p;
  Recorder r;
  p.open(r).sendHeaders(makeRequest("HEAD", "/h"), true);
  p.wire.run();
  Recorder& s = *p.serverOwner.requests.at(0);
  ResponseHead ok = makeResponse(200);
  ok.headers.add("content-length", "500");
  s.answer->sendHeaders(ok, false);
  s.answer->sendData(Slice::copyOf(std::string(500, 'x')));
  s.answer->sendEnd();
  p.wire.run();
  CHECK(r.text() == "head:200 end closed");
  CHECK(s.bodySent == 500);
}

TEST_CASE("h2: the remote stream limit") {
  CodecLimits limits;
  limits.maxConcurrentStreams = 2;
  Pair p(limits);
  Recorder a;
  Recorder b;
  p.open(a).sendHeaders(makeRequest("GET", "/a"), true);
  p.open(b);
  CHECK_FALSE(p.client->canOpenStream());
  p.wire.run();
  const int before = p.clientOwner.capacityChanges;
  p.serverOwner.requests.at(0)->answer->sendHeaders(makeResponse(200), true);
  p.wire.run();
  CHECK(p.client->canOpenStream());
  CHECK(p.clientOwner.capacityChanges > before);
}

TEST_CASE("h2: end of file and a lost connection") {
  Pair p;
  Recorder a;
  Recorder unsent;
  p.open(a).sendHeaders(makeRequest("GET", "/a"), true);
  p.open(unsent);
  p.wire.run();
  p.client->connectionLost("power cut");
  CHECK(a.text() == "reset:connection_closed");
  CHECK(a.resetDetail == "power cut");
  CHECK(unsent.text() == "reset:connection_closed");
  CHECK(p.client->finished());
  CHECK_FALSE(p.client->canOpenStream());
  p.server->receiveEof();
  CHECK(p.serverOwner.requests.at(0)->text() == "GET /a end reset:connection_closed");
  CHECK(p.server->finished());
}

TEST_CASE("h2: an abandoned connection makes no more frames, and its streams stay until it is lost") {
  Pair p;
  Recorder given;
  Recorder kept;
  Recorder unsent;
  p.open(given).sendHeaders(makeRequest("GET", "/a"), true);
  p.open(kept).sendHeaders(makeRequest("POST", "/b"), false);
  p.open(unsent);
  p.wire.run();
  p.client->abandon();
  CHECK_FALSE(p.client->canOpenStream());
  given.stream->reset(ResetReason::kCancel);
  kept.stream->sendData(Slice::copyOf("into the void"));
  CHECK(p.client->activeStreams() == 2);
  CHECK(kept.text() == "");
  p.client->connectionLost("the peer is dead");
  CHECK(given.text() == "");
  CHECK(kept.text() == "reset:connection_closed");
  CHECK(unsent.text() == "reset:connection_closed");
  Buffer out;
  p.client->produce(out, SIZE_MAX);
  CHECK(out.empty());
  CHECK(p.client->activeStreams() == 0);
}

TEST_CASE("h2: re-entry from callbacks") {
  Pair p;
  p.serverOwner.onNew = [](Recorder& r) {
    if (r.request.path == "/refuse") {
      r.answer->reset(ResetReason::kRefused);
    } else if (r.request.path == "/now") {
      r.answer->sendHeaders(makeResponse(200), false);
      r.answer->sendData(Slice::copyOf("x"));
      r.answer->sendEnd();
    } else {
      r.onDataHook = [](Recorder& self, size_t) {
        self.answer->reset(ResetReason::kCancel);
        self.onDataHook = nullptr;
      };
    }
  };
  Recorder refused;
  Recorder now;
  Recorder cut;
  p.open(refused).sendHeaders(makeRequest("GET", "/refuse"), true);
  now.onHeadHook = [](Recorder& r) { r.stream->sendEnd(); };
  p.open(now).sendHeaders(makeRequest("POST", "/now"), false);
  RequestStream& q = p.open(cut);
  q.sendHeaders(makeRequest("POST", "/cut"), false);
  q.sendData(Slice::copyOf(std::string(200 * 1024, 'c')));
  p.wire.run();
  CHECK(refused.text() == "reset:refused");
  CHECK(now.text() == "head:200 data end closed");
  CHECK(cut.text() == "reset:cancel");
  CHECK(p.serverOwner.requests.at(2)->text() == "POST /cut data");
  CHECK(p.server->activeStreams() == 0);
}

TEST_CASE("h2: header limits") {
  CodecLimits limits;
  limits.maxHeaderListSize = 4096;
  limits.maxHeaderCount = 20;
  Pair p;  // client with the default limits
  ServerOwner owner;
  const auto server = createH2ServerCodec(owner, limits);
  Wire wire(*p.client, *server);
  Recorder many;
  RequestHead head = makeRequest("GET", "/many");
  for (int i = 0; i < 30; ++i)
    head.headers.add("x-" + std::to_string(i), "v");
  // This server is a fresh one: the first pair's settings went elsewhere, so start a client of its own.
  ClientOwner clientOwner;
  const auto client = createH2ClientCodec(clientOwner, CodecLimits{});
  Wire own(*client, *server);
  own.run();
  RequestStream& q = client->openStream(many);
  q.sendHeaders(head, true);
  own.run();
  CHECK(owner.requests.at(0)->log.at(0) == "bad:431");
  CHECK(many.log.at(0) == "head:431");

  Recorder connect;
  RequestStream& c = client->openStream(connect);
  RequestHead tunnel;
  tunnel.method = "CONNECT";
  tunnel.authority = "x:1";
  c.sendHeaders(tunnel, false);
  own.run();
  CHECK(own.clientError == "");
}

TEST_CASE("h2: an h1 answer to the preface says so") {
  for (const size_t piece : {size_t{1}, size_t{100}}) {
    ClientOwner owner;
    const auto client = createH2ClientCodec(owner, CodecLimits{});
    const std::string answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
    std::string error;
    for (size_t at = 0; at < answer.size() && error.empty(); at += piece) {
      const Result<void> result = client->receive(Slice::copyOf(answer.substr(at, piece)));
      if (!result) error = result.error().message;
    }
    CHECK(error == "the peer answered the h2 preface in HTTP/1");
    CHECK(client->finished());
  }
}

TEST_CASE("h2: a broken preface ends the connection") {
  ServerOwner owner;
  const auto server = createH2ServerCodec(owner, CodecLimits{});
  CHECK_FALSE(server->receive(Slice::copyOf("GET / HTTP/1.1\r\nHost: a\r\n\r\n")));
  Buffer out;
  server->produce(out, SIZE_MAX);
  CHECK(server->finished());
}

}  // namespace
}  // namespace peerpulse::http::test
