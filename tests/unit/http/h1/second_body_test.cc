// Requests with two bodies (RequestHead::secondBody): Swift's PUT in two phases.
#include <doctest/doctest.h>

#include "pair.h"

namespace peerpulse::http::test {
namespace {

constexpr std::string_view kHead =
    "PUT /sda/1/a/c/o HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n"
    "X-Backend-Obj-Multiphase-Commit: yes\r\n\r\n";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

ResponseHead headOf(int status) {
  ResponseHead head;
  head.status = status;
  return head;
}

/// A server that is told of both bodies' ends.
struct TwoPhases : ServerOwner {
  struct Phases : Recorder {
    void onBodyEnd() override { log.emplace_back("body-end"); }
  };
  Phases seen;
  ResponseStream* answer = nullptr;
  size_t begun = 0;
  Receiver* onRequest(ResponseStream& stream, RequestHead&& head) override {
    ++begun;
    seen.stream = answer = &stream;
    seen.request = std::move(head);
    return &seen;
  }
};

struct Fixture {
  TwoPhases owner;
  std::unique_ptr<Codec> server = createH1ServerCodec(owner, CodecLimits());
  bool give(std::string_view bytes) { return static_cast<bool>(server->receive(Slice::copyOf(bytes))); }
};

RequestHead putOf() {
  RequestHead head;
  head.method = "PUT";
  head.path = "/o";
  head.authority = "a";
  head.headers.add("Expect", "100-continue");
  head.secondBody = true;
  return head;
}

TEST_CASE("h1 second body: only what asks for it like Swift has one") {
  const auto second = [](std::string head) {
    Fixture f;
    REQUIRE(f.give(head));
    REQUIRE(f.owner.begun == 1);
    return f.owner.seen.request.secondBody;
  };
  const std::string start = "PUT /o HTTP/1.1\r\nHost: a\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::string expect = "Expect: 100-continue\r\n";
  CHECK(second(std::string(kHead)));
  CHECK(second(start + chunked + expect + "x-backend-obj-multiphase-commit: TRUE\r\n\r\n"));
  CHECK_FALSE(second(start + chunked + expect + "X-Backend-Obj-Multiphase-Commit: no\r\n\r\n"));
  CHECK_FALSE(second(start + chunked + expect + "\r\n"));
  CHECK_FALSE(second(start + chunked + "X-Backend-Obj-Multiphase-Commit: yes\r\n\r\n"));
  CHECK_FALSE(second(start + "Content-Length: 3\r\n" + expect + "X-Backend-Obj-Multiphase-Commit: yes\r\n\r\n"));
}

TEST_CASE("h1 second body: it begins with the 100 after the first one's end, at whatever byte that is cut") {
  const std::string first = "5\r\nhello\r\n0\r\n\r\n";
  const std::string other = "6\r\ncommit\r\n0\r\n\r\n";
  for (size_t cut = 0; cut <= other.size(); ++cut) {
    CAPTURE(cut);
    Fixture f;
    REQUIRE(f.give(kHead));
    f.owner.answer->sendInformational(headOf(100));
    CHECK(produced(*f.server) == kContinue);
    // The other body may be on its way before the 100 that asks for it: it waits.
    REQUIRE(f.give(first + other.substr(0, cut)));
    CHECK(f.owner.seen.text() == "data body-end");
    CHECK(f.owner.seen.body == "hello");
    f.owner.answer->sendInformational(headOf(100));
    CHECK(produced(*f.server) == kContinue);
    REQUIRE(f.give(other.substr(cut)));
    CHECK(f.owner.seen.text() == "data body-end data end");
    CHECK(f.owner.seen.body == "hellocommit");
    f.owner.answer->sendHeaders(headOf(201), true);
    CHECK(produced(*f.server) == "HTTP/1.1 201 Created\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    CHECK(f.owner.seen.text() == "data body-end data end closed");
    CHECK(f.server->finished());
  }
}

TEST_CASE("h1 second body: an answer instead of the 100 is the end, and what follows is no request") {
  Fixture f;
  REQUIRE(f.give(std::string(kHead) + "5\r\nhello\r\n0\r\n\r\n"));
  CHECK(f.owner.seen.text() == "data body-end");
  f.owner.answer->sendHeaders(headOf(422), true);
  REQUIRE(f.give("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(produced(*f.server) == "HTTP/1.1 422 Unprocessable Entity\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  CHECK(f.owner.seen.text() == "data body-end closed");
  CHECK(f.owner.begun == 1);
  CHECK(f.server->finished());
}

TEST_CASE("h1 second body: there is no third one") {
  Fixture f;
  REQUIRE(f.give(std::string(kHead) + "1\r\na\r\n0\r\n\r\n"));
  f.owner.answer->sendInformational(headOf(100));
  produced(*f.server);
  REQUIRE(f.give("1\r\nb\r\n0\r\n\r\n"));
  f.owner.answer->sendInformational(headOf(100));
  produced(*f.server);
  REQUIRE(f.give("1\r\nc\r\n0\r\n\r\n"));
  CHECK(f.owner.seen.body == "ab");
}

TEST_CASE("h1 second body: a client that ends before it breaks its request off") {
  Fixture f;
  REQUIRE(f.give(std::string(kHead) + "5\r\nhello\r\n0\r\n\r\n"));
  f.server->receiveEof();
  CHECK(f.owner.seen.text() == "data body-end reset:connection_closed");
}

TEST_CASE("h1 second body: its framing is as strict as the first one's") {
  Fixture f;
  REQUIRE(f.give(std::string(kHead) + "5\r\nhello\r\n0\r\n\r\n"));
  f.owner.answer->sendInformational(headOf(100));
  produced(*f.server);
  CHECK_FALSE(f.give("0x5\r\nhello\r\n0\r\n\r\n"));
  CHECK(f.owner.seen.text() == "data body-end reset:protocol_error");
}

TEST_CASE("h1 second body: a receiver that knows nothing of it has the whole request") {
  ServerOwner owner;
  const auto server = createH1ServerCodec(owner, CodecLimits());
  REQUIRE(server->receive(Slice::copyOf(std::string(kHead) + "5\r\nhello\r\n0\r\n\r\n")));
  CHECK(owner.text() == "PUT /sda/1/a/c/o data end");
}

TEST_CASE("h1 second body: what a client sends, and that its connection is not used again") {
  ClientOwner owner;
  const auto client = createH1ClientCodec(owner, CodecLimits());
  Recorder seen;
  RequestStream& stream = client->openStream(seen);
  stream.sendHeaders(putOf(), false);
  produced(*client);
  stream.sendData(Slice::copyOf("hello"));
  stream.sendBodyEnd();
  CHECK(produced(*client) == "5\r\nhello\r\n0\r\n\r\n");
  REQUIRE(client->receive(Slice::copyOf(kContinue)));
  stream.sendData(Slice::copyOf("commit"));
  stream.sendEnd();
  CHECK(produced(*client) == "6\r\ncommit\r\n0\r\n\r\n");
  REQUIRE(client->receive(Slice::copyOf("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")));
  CHECK(seen.text() == "1xx:100 head:201 end closed");
  CHECK_FALSE(client->canOpenStream());
  CHECK(client->finished());
}

TEST_CASE("h1 second body: a client whose peer answers instead of asking for it has its answer") {
  ClientOwner owner;
  const auto client = createH1ClientCodec(owner, CodecLimits());
  Recorder seen;
  RequestStream& stream = client->openStream(seen);
  stream.sendHeaders(putOf(), false);
  stream.sendData(Slice::copyOf("hello"));
  stream.sendBodyEnd();
  produced(*client);
  REQUIRE(client->receive(Slice::copyOf("HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 0\r\n\r\n")));
  CHECK(seen.text() == "head:422 end closed");
  CHECK(client->finished());
}

}  // namespace
}  // namespace peerpulse::http::test
