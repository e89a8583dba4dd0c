// Extended CONNECT (RFC 8441): an upgrade of h2.
#include <doctest/doctest.h>

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

TEST_CASE("h2 tunnel: a peer that has not said that it takes them is not asked") {
  ClientOwner owner;
  const auto client = createH2ClientCodec(owner, CodecLimits());
  Recorder r;
  RequestStream& stream = client->openStream(r);
  stream.sendHeaders(extendedConnect(), false);
  Buffer out;
  client->produce(out, SIZE_MAX);
  CHECK(r.text() == "reset:refused");
  CHECK(out.toString().find("websocket") == std::string::npos);
}

}  // namespace
}  // namespace peerpulse::http::test
