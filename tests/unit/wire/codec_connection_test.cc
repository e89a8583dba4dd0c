// Goal: what codec and socket have for each other is carried, both ways, each direction for itself, and bounded.
// Method: a scripted peer, a client and raw sockets on one loop, over loopback.
#include "peerpulse/wire/codec_connection.h"

#include <string>

#include <doctest/doctest.h>

#include "../http/h2/frames.h"
#include "wire_fixture.h"

using namespace peerpulse;
using namespace peerpulse::test;

namespace {

/// The raw bytes of a GET of h2, preface included.
struct Http2Request : http::ClientCodecOwner {
  explicit Http2Request(const std::string& path) {
    http::RequestHead head;
    head.method = "GET";
    head.path = path;
    head.authority = "a";
    head.complete = true;
    codec->openStream(answer).sendHeaders(head, true);
    Buffer out;
    codec->produce(out, 64 * 1024);
    bytes = out.toString();
  }
  void onOutputReady() override {}
  void onCapacityChanged() override {}
  void onGoAway(uint32_t, std::string_view) override {}
  void onPingAck(uint64_t) override {}

  ClientRequest answer;
  std::unique_ptr<http::ClientCodec> codec = http::createH2ClientCodec(*this, {});
  std::string bytes;
};

/// A tunnel through h1: the client's request, and the peer's side of it.
struct Tunnel {
  Tunnel() {
    client = std::make_unique<TestClient>(loop.io, loop.peer.listener->address(), false);
    near = &client->upgrade("/hang");
    loop.until([&] { return loop.peer.requests.size() == 1 && loop.request().ended; });
    far = &loop.request();
    far->ended = false;
    http::ResponseHead switching;
    switching.status = 101;
    switching.upgrade = "test";
    far->stream->sendHeaders(switching, false);
    loop.until([&] { return near->gotHead; });
    REQUIRE(near->head.status == 101);
  }
  bool over() { return client->ended && loop.served().ended; }

  WireLoop loop;
  std::unique_ptr<TestClient> client;
  ClientRequest* near = nullptr;
  ServedRequest* far = nullptr;
};

}  // namespace

TEST_CASE("codec connection: requests are carried over h1 and h2") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    WireLoop loop;
    TestClient client(loop.io, loop.peer.listener->address(), http2);
    const std::string body(3 * 1024 * 1024, 'b');
    ClientRequest& request = client.send("PUT", "/echo", body);  // before there is a connection
    CHECK_FALSE(client.ready);
    loop.until([&] { return request.done(); });
    CHECK(client.ready);
    CHECK(request.closed);
    CHECK((request.body == body));
    CHECK(client.connection().bytesMoved() > 2 * body.size());
    CHECK(client.connection().fd() >= 0);
    CHECK_FALSE(client.ended);
    CHECK_FALSE(loop.served().ended);
  }
}

TEST_CASE("codec connection: the protocol is recognised wherever the first bytes are split") {
  const Http2Request http2("/ok");
  const std::string http1 = "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  REQUIRE(http2.bytes.substr(0, preface.size()) == preface);
  for (const std::string* bytes : {&http1, &http2.bytes}) {
    for (size_t split = 1; split <= preface.size() + 1; ++split) {
      CAPTURE(split);
      WireLoop loop;
      RawClient client(loop.peer.listener->address());
      client.send(std::string_view(*bytes).substr(0, split));
      loop.until([&] { return !loop.peer.connections.empty() && loop.served().connection().bytesMoved() >= split; });
      const bool known = http::detectPreface(bytes->substr(0, split)) != http::Preface::kNeedMore;
      CHECK((loop.served().connection().codec() != nullptr) == known);
      client.send(std::string_view(*bytes).substr(split));
      loop.until([&] { return client.receive() || client.received.find("hello") != std::string::npos; });
      CHECK(loop.peer.requests.size() == 1);
    }
  }
}

TEST_CASE("codec connection: what is said in a turn is one write, sendNow() does not wait for its end") {
  WireLoop loop;
  TestClient client(loop.io, loop.peer.listener->address(), true);
  loop.until([&] { return client.ready; });
  const uint64_t before = client.connection().bytesMoved();
  client.codec().submitPing(1);
  CHECK(client.connection().bytesMoved() == before);
  client.connection().sendNow([&] { client.codec().submitPing(2); });
  constexpr size_t kPing = 17;
  CHECK(client.connection().bytesMoved() == before + 2 * kPing);
}

TEST_CASE("codec connection: sendNow() from inside the codec's callbacks waits until they have returned") {
  WireLoop loop;
  TestClient client(loop.io, loop.peer.listener->address(), true);
  bool acked = false;
  client.whenPingAcked = [&](uint64_t payload) {
    acked = payload == 2;
    if (payload != 1) return;
    const uint64_t before = client.connection().bytesMoved();
    client.connection().sendNow([&] { client.codec().submitPing(2); });
    CHECK(client.connection().bytesMoved() == before);
  };
  loop.until([&] { return client.ready; });
  client.connection().sendNow([&] { client.codec().submitPing(1); });
  loop.until([&] { return acked; });
}

TEST_CASE("codec connection: a body that nobody takes stops the reading, and goes on when it is taken") {
  WireLoop loop;
  TestClient client(loop.io, loop.peer.listener->address(), false);
  constexpr size_t kTotal = 16 * 1024 * 1024;
  client.send("PUT", "/hold", std::string(kTotal, 'h'));
  const size_t window = http::CodecLimits().streamWindow;
  loop.until([&] { return loop.peer.requests.size() == 1 && loop.request().body.size() >= window; });
  loop.untilStill(loop.served().connection());
  CHECK(loop.served().connection().bytesMoved() < window + 512 * 1024);  // one read more at most
  size_t taken = 0;
  loop.until([&] {
    ServedRequest& request = loop.request();
    if (request.stream != nullptr)
      request.stream->consumed(request.body.size() - std::exchange(taken, request.body.size()));
    return request.ended;
  });
  CHECK(loop.request().body.size() == kTotal);
}

TEST_CASE("codec connection: an answer that nobody reads waits in the codec, not in the connection") {
  WireLoop loop;
  RawClient client(loop.peer.listener->address(), 16 * 1024);
  client.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
  loop.until([&] { return loop.peer.requests.size() == 1; });
  constexpr size_t kTotal = 32 * 1024 * 1024;
  loop.request().answer(200, std::string(kTotal, 'r'));
  wire::CodecConnection& connection = loop.served().connection();
  connection.flushNow();
  CHECK(connection.bytesMoved() < kTotal / 2);
  loop.until([&] { return client.receive() || client.received.size() > kTotal; });
  CHECK(client.received.size() > kTotal);
  CHECK(loop.request().closed);
}

TEST_CASE("codec connection: who sends many frames without use is read more slowly, and is read on") {
  WireLoop loop;
  RawClient client(loop.peer.listener->address());
  const std::string unknown = http::test::frame(static_cast<http::test::Type>(0x2a), 0, 0, "");
  std::string flood = Http2Request("/x").bytes;
  for (int i = 0; i < 4000; ++i)
    flood += unknown;
  client.send(flood);
  const TimePoint sent = loop.dispatcher.now();
  loop.until([&] { return !loop.peer.connections.empty(); });
  loop.untilStill(loop.served().connection());
  client.send(http::test::frame(http::test::kPing, 0, 0, "question"));
  loop.until([&] {
    client.receive();
    return client.received.find("question") != std::string::npos;
  });
  CHECK(loop.dispatcher.now() - sent >= milliseconds(100));  // 3,000 frames too many
  CHECK(loop.request().ended);
  client.close();
  loop.until([&] { return loop.served().ended; });
}

TEST_CASE("codec connection: where little may wait, a read takes little, and little counts as sent that was not") {
  constexpr size_t kBuffer = 64 * 1024;
  WireLoop loop;
  loop.peer.limits.streamWindow = kBuffer;
  TestClient uploader(loop.io, loop.peer.listener->address(), false);
  uploader.send("PUT", "/hold", std::string(4 * 1024 * 1024, 'u'));
  loop.until([&] { return loop.peer.requests.size() == 1 && loop.request().body.size() >= kBuffer; });
  loop.untilStill(loop.served().connection());
  CHECK(loop.request().body.size() < 2 * kBuffer + 1024);  // one read more at most

  RawClient reader(loop.peer.listener->address(), 16 * 1024);
  reader.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
  loop.until([&] { return loop.peer.requests.size() == 2; });
  ServedRequest& answered = loop.peer.last();
  constexpr size_t kTotal = 32 * 1024 * 1024;
  answered.answer(200, std::string(kTotal, 'd'));
  wire::CodecConnection& connection = loop.peer.connections.back()->connection();
  loop.untilStill(connection);
  CHECK(answered.credit < kTotal / 2);
  CHECK(answered.credit < connection.bytesMoved() + kBuffer / 2 + 1024);
  loop.until([&] { return reader.receive() || reader.received.size() > kTotal; });
  CHECK(answered.closed);
}

TEST_CASE("codec connection: a client that has ended its direction still gets its answer") {
  WireLoop loop;
  RawClient client(loop.peer.listener->address());
  client.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
  client.endOutput();
  loop.until([&] { return loop.peer.requests.size() == 1 && loop.request().ended; });
  // The end is read before the answer is given.
  for (int turns = 0; turns < 5; ++turns)
    loop.until([] { return true; });
  CHECK_FALSE(loop.served().ended);
  loop.request().answer(200, "late");
  loop.until([&] { return client.receive(); });
  CHECK(client.received.substr(client.received.size() - 4) == "late");
  CHECK(client.ended);
  CHECK(loop.served().kind == Kind::kRemoteEnded);
}

TEST_CASE("codec connection: the client ends its half of a tunnel first") {
  Tunnel t;
  t.near->stream->sendData(Slice::copyOf("ping"));
  t.near->stream->sendEnd();
  t.loop.until([&] { return t.far->ended; });
  CHECK(t.far->body == "ping");
  CHECK_FALSE(t.client->ended);
  t.far->stream->sendData(Slice::copyOf("pong"));
  t.loop.until([&] { return t.near->body == "pong"; });
  CHECK_FALSE(t.near->done());
  t.far->stream->sendEnd();
  t.loop.until([&] { return t.over(); });
  CHECK(t.near->ended);
  CHECK(t.near->closed);
  CHECK(t.far->closed);
}

TEST_CASE("codec connection: the server ends its half of a tunnel first") {
  Tunnel t;
  t.far->stream->sendData(Slice::copyOf("pong"));
  t.far->stream->sendEnd();
  t.loop.until([&] { return t.near->ended; });
  CHECK(t.near->body == "pong");
  t.near->stream->sendData(Slice::copyOf("ping"));
  t.loop.until([&] { return t.far->body == "ping"; });
  CHECK_FALSE(t.far->closed);
  CHECK_FALSE(t.loop.served().ended);
  t.near->stream->sendEnd();
  t.loop.until([&] { return t.over(); });
  CHECK(t.far->ended);
  CHECK(t.near->closed);
  CHECK(t.far->closed);
}

TEST_CASE("codec connection: a tunnel's last bytes arrive although its end is asked for at once") {
  Tunnel t;
  const std::string bulk(4 * 1024 * 1024, 't');
  t.near->stream->sendData(Slice::copyOf(bulk));
  t.near->stream->sendEnd();
  t.far->stream->sendData(Slice::copyOf(bulk));
  t.far->stream->sendEnd();
  t.loop.until([&] { return t.over(); });
  CHECK((t.far->body == bulk));
  CHECK((t.near->body == bulk));
  CHECK(t.near->closed);
  CHECK(t.far->closed);
}
