// Extended CONNECT (RFC 8441): an upgrade of h2, and what becomes of one of h1.
#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "frames.h"
#include "pair.h"

namespace peerpulse::http::test {
namespace {

RequestHead extendedConnect() {
  RequestHead head;
  head.method = "CONNECT";
  head.authority = "a";
  head.path = "/ws";
  head.version = Version::kHttp2;
  head.upgrade = "websocket";
  return head;
}

ResponseHead answerOf(int status) {
  ResponseHead head;
  head.status = status;
  return head;
}

/// A tunnel that was asked for and has no answer yet.
struct Asked : H2Pair {
  Recorder r;
  Recorder* served = nullptr;
  RequestStream* stream = nullptr;
  Asked() {
    stream = &open(r);
    stream->sendHeaders(extendedConnect(), true);  // whatever is said: a tunnel has no end yet
    wire.run();
    REQUIRE(serverOwner.requests.size() == 1);
    served = serverOwner.requests.at(0).get();
  }
  /// The peer takes it, and has nothing to say itself.
  void takeAndHalfClose() {
    served->answer->sendHeaders(answerOf(101), false);
    served->stream->sendEnd();
    wire.run();
  }
};

TEST_CASE("h2 tunnel: what was asked for, and both ways after the answer, each with an end of its own") {
  Asked q;
  CHECK(q.served->request.method == "CONNECT");
  CHECK(q.served->request.path == "/ws");
  CHECK(q.served->request.upgrade == "websocket");
  CHECK_FALSE(q.served->request.complete);
  ResponseHead head = answerOf(101);
  head.upgrade = "websocket";
  head.headers.add("content-length", "0");
  q.served->answer->sendHeaders(head, false);
  q.wire.run();
  CHECK(q.r.response.status == 101);
  CHECK(q.r.response.upgrade == "websocket");
  CHECK_FALSE(q.r.response.headers.has("content-length"));
  q.stream->sendData(Slice::copyOf("ping"));
  q.wire.run();
  CHECK(q.served->body == "ping");
  q.served->stream->sendData(Slice::copyOf("pong"));
  q.served->stream->sendEnd();
  q.wire.run();
  CHECK(q.r.body == "pong");
  CHECK(q.r.log.back() == "end");
  q.stream->sendData(Slice::copyOf(" more"));
  q.stream->sendEnd();
  q.wire.run();
  CHECK(q.served->body == "ping more");
  CHECK(q.served->text() == "CONNECT /ws data end closed");
  CHECK(q.r.text() == "head:101 data end closed");
}

TEST_CASE("h2 tunnel: a refusal is an answer, and one that says yes in words of h1 is none") {
  for (const auto& entry : {std::pair{403, 403}, std::pair{200, 502}}) {
    const auto [given, told] = entry;
    INFO("given: ", entry.first);
    Asked q;
    q.served->answer->sendHeaders(answerOf(given), true);
    q.wire.run();
    CHECK(q.r.response.status == told);
    CHECK(q.r.text() == "head:" + std::to_string(told) + " end closed");
  }
}

TEST_CASE("h2 tunnel: of one that is refused nothing more is said, and the stream is over for both") {
  Asked q;
  q.served->answer->sendHeaders(answerOf(403), false);
  q.wire.run();
  CHECK(q.served->log.back() == "end");
  q.served->stream->sendData(Slice::copyOf("no"));
  q.served->stream->sendEnd();
  q.wire.run();
  CHECK(q.served->text() == "CONNECT /ws end closed");
  CHECK(q.r.text() == "head:403 data end closed");
}

TEST_CASE(
    "h2 tunnel: left when both ways have ended, what it was given last still goes out, however long that takes") {
  Asked q;
  q.takeAndHalfClose();
  CHECK(q.r.log.back() == "end");
  const std::string last(200'000, 'x');
  q.stream->sendData(Slice::copyOf(last));
  q.stream->sendEnd();
  q.stream->reset(ResetReason::kNoError);
  CHECK(q.client->activeStreams() == 0);
  CHECK_FALSE(q.client->finished());
  q.wire.run();
  CHECK(q.served->body == last);
  CHECK(q.served->text() == "CONNECT /ws data end closed");
  CHECK(q.r.text() == "head:101 end");
}

TEST_CASE("h2 tunnel: one that is given up otherwise takes back what has not left") {
  Asked q;
  q.takeAndHalfClose();
  q.stream->sendData(Slice::copyOf("last"));
  std::string told = "closed";  // NO_ERROR behind a complete answer
  SUBCASE("while its own way goes on") { q.stream->reset(ResetReason::kNoError); }
  SUBCASE("for a reason") {
    q.stream->sendEnd();
    q.stream->reset(ResetReason::kCancel);
    told = "reset:cancel";
  }
  q.wire.run();
  CHECK(q.served->body.empty());
  CHECK(q.served->log.back() == told);
}

TEST_CASE("h2 tunnel: what was left is lost with its connection, and nobody is told") {
  Asked q;
  q.takeAndHalfClose();
  q.stream->sendData(Slice::copyOf("last"));
  q.stream->sendEnd();
  q.stream->reset(ResetReason::kNoError);
  q.client->connectionLost("gone");
  CHECK(q.client->finished());
  CHECK(q.r.text() == "head:101 end");
}

// --- the peer's word -------------------------------------------------------------------------------------------------

const std::string kTakesTunnels = frame(kSettings, 0, 0, std::string("\0\x08\0\0\0\x01", 6));
const std::string kTakesNone = frame(kSettings, 0, 0, "");

RequestHead upgrade(const std::string& protocol = "websocket") {
  RequestHead head = makeRequest("GET", "/ws");
  head.upgrade = protocol;
  head.headers.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  head.headers.add("Sec-WebSocket-Version", "13");
  head.complete = true;
  return head;
}

/// A client whose peer has said nothing yet.
struct Fresh {
  ClientOwner owner;
  Recorder r;
  std::unique_ptr<ClientCodec> client = createH2ClientCodec(owner, CodecLimits());
  RequestStream& stream;

  explicit Fresh(const RequestHead& head) : stream(client->openStream(r)) { stream.sendHeaders(head, head.complete); }
  std::vector<Frame> sent() {
    Buffer out;
    client->produce(out, SIZE_MAX);
    return framesOf(out.toString());
  }
  void hear(const std::string& bytes) { REQUIRE(client->receive(Slice::copyOf(bytes))); }
};

TEST_CASE("h2 tunnel: it is asked for when the peer has said that it takes them, however late that is") {
  for (const RequestHead& head : {extendedConnect(), upgrade()}) {
    CAPTURE(head.method);
    Fresh f(head);
    CHECK(countOf(f.sent(), kHeaders) == 0);
    CHECK(f.client->activeStreams() == 1);
    f.hear(kTakesTunnels);
    CHECK(countOf(f.sent(), kHeaders) == 1);
    f.hear(response(1, "200", kEndHeaders));
    CHECK(f.r.text() == "head:101");
  }
}

TEST_CASE(
    "h2 tunnel: a peer that takes none is not asked; an upgrade is an offer, and goes as the request it also is") {
  Fresh connect(extendedConnect());
  connect.hear(kTakesNone);
  CHECK(countOf(connect.sent(), kHeaders) == 0);
  CHECK(connect.r.text() == "reset:not_taken");

  Fresh offer(upgrade());
  offer.hear(kTakesNone);
  const std::vector<Frame> sent = offer.sent();
  const auto head = std::find_if(sent.begin(), sent.end(), [](const Frame& each) { return each.is(kHeaders); });
  REQUIRE(head != sent.end());
  CHECK(head->ends());
  CHECK(countOf(sent, kData) == 0);
  offer.hear(response(1, "200", kEndHeaders | kEndStream));
  CHECK(offer.r.text() == "head:200 end closed");
  CHECK(offer.r.response.upgrade.empty());
}

TEST_CASE("h2 tunnel: whoever waits for the peer's word may leave, and goes elsewhere when the connection does") {
  Fresh left(upgrade());
  left.stream.reset(ResetReason::kCancel);
  left.hear(kTakesTunnels);
  CHECK(countOf(left.sent(), kHeaders) == 0);
  CHECK(left.r.log.empty());
  CHECK(left.client->activeStreams() == 0);

  Fresh drained(upgrade());
  drained.client->drain();
  CHECK(countOf(drained.sent(), kHeaders) == 0);
  CHECK(drained.r.text() == "reset:refused");
  drained.hear(kTakesTunnels);
  CHECK(countOf(drained.sent(), kHeaders) == 0);

  Fresh lost(upgrade());
  lost.client->connectionLost("gone");
  CHECK(lost.r.text() == "reset:connection_closed");
}

// --- upgrades of h1 --------------------------------------------------------------------------------------------------

TEST_CASE("h2 tunnel: an upgrade of h1 is asked for as one of h2, and its key is answered in the peer's stead") {
  const struct {
    const char* protocol;
    const char* given;
    std::string accept;
    const char* asked;
  } rows[] = {
      {"websocket", nullptr, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "websocket"},
      {"WebSocket", nullptr, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "websocket"},
      {"websocket", "of another key", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "websocket"},
      {"other", nullptr, "", "other"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.protocol);
    H2Pair p;
    Recorder r;
    RequestHead head = upgrade(row.protocol);
    head.headers.add("content-length", "0");
    RequestStream& stream = p.open(r);
    stream.sendHeaders(head, true);
    p.wire.run();
    REQUIRE(p.serverOwner.requests.size() == 1);
    Recorder& served = *p.serverOwner.requests.at(0);
    CHECK(served.request.method == "CONNECT");
    CHECK(served.request.upgrade == row.asked);
    CHECK(served.request.headers.has("sec-websocket-version"));
    CHECK(served.request.headers.has("sec-websocket-key") == (row.asked == std::string("other")));
    CHECK_FALSE(served.request.headers.has("content-length"));
    CHECK_FALSE(served.request.complete);
    ResponseHead answer = answerOf(101);
    if (row.given != nullptr) answer.headers.add("sec-websocket-accept", row.given);
    served.answer->sendHeaders(answer, false);
    p.wire.run();
    CHECK(r.response.status == 101);
    CHECK(r.response.upgrade == row.protocol);
    CHECK(std::string(r.response.headers.find("sec-websocket-accept")) == row.accept);
    stream.sendData(Slice::copyOf("ping"));
    stream.sendEnd();
    served.stream->sendData(Slice::copyOf("pong"));
    p.wire.run();
    served.stream->sendEnd();
    p.wire.run();
    CHECK(served.text() == "CONNECT /ws data end closed");
    CHECK(r.text() == "head:101 data end closed");
  }
}

TEST_CASE("h2 tunnel: what an extended CONNECT cannot say goes without the upgrade") {
  const struct {
    const char* method;
    const char* protocol;
    bool body;
  } rows[] = {{"POST", "websocket", true},
              {"GET", "websocket", true},
              {"HEAD", "websocket", false},
              {"GET", "websocket, other", false},
              {"GET", "other/1", false}};
  for (const auto& row : rows) {
    INFO(row.method, " ", row.protocol);
    H2Pair p;
    Recorder r;
    RequestHead head = makeRequest(row.method, "/ws");
    head.upgrade = row.protocol;
    RequestStream& stream = p.open(r);
    stream.sendHeaders(head, !row.body);
    if (row.body) {
      stream.sendData(Slice::copyOf("body"));
      stream.sendEnd();
    }
    p.wire.run();
    Recorder& served = *p.serverOwner.requests.at(0);
    CHECK(served.request.method == row.method);
    CHECK(served.request.upgrade.empty());
    CHECK(served.body == (row.body ? "body" : ""));
    CHECK(served.log.back() == "end");
    served.answer->sendHeaders(answerOf(200), true);
    p.wire.run();
    CHECK(r.text() == "head:200 end closed");
  }
}

}  // namespace
}  // namespace peerpulse::http::test
