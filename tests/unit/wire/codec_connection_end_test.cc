// Goal: however a connection ends, its owner is told once and of the right kind, its streams after it, and the last words
// reach the other side. Method: as codec_connection_test.cc.
#include <string>

#include <doctest/doctest.h>

#include "wire_fixture.h"

using namespace peerpulse;
using namespace peerpulse::test;

namespace {

bool is(const EndRecorder& side, Kind kind) { return side.ended && side.kind == kind; }

/// After the end nothing has an effect, and nothing is told a second time (EndRecorder checks).
void useAfterEnd(WireLoop& loop, wire::CodecConnection& connection) {
  CHECK(connection.ended());
  connection.outputReady();
  connection.flushNow();
  connection.close("again");
  connection.abort("again");
  CHECK(connection.fd() == -1);
  CHECK_FALSE(connection.readableNow());
  CHECK_FALSE(connection.lastHeard().has_value());
  loop.until([] { return true; });
}

struct Ping : http::ClientCodecOwner {
  void onOutputReady() override {}
  void onCapacityChanged() override {}
  void onGoAway(uint32_t code, std::string_view) override { goneAway = static_cast<int>(code); }
  void onPingAck(uint64_t) override {}
  int goneAway = -1;
};

}  // namespace

TEST_CASE("codec connection end: finished, and a server gives the client time to read it") {
  WireLoop loop;
  RawClient client(loop.peer.listener->address());
  client.send("GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  loop.until([&] { return client.receive(); });
  CHECK(client.ended);
  CHECK(is(loop.served(), Kind::kFinished));
  useAfterEnd(loop, loop.served().connection());
  CHECK(loop.io.farewells.size() == 1);
  client.close();
  loop.until([&] { return loop.io.farewells.empty(); });
}

TEST_CASE("codec connection end: finished, of a client that drains") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    WireLoop loop;
    TestClient client(loop.io, loop.peer.listener->address(), http2);
    ClientRequest& request = client.send("GET", "/ok");
    client.codec().drain();
    loop.until([&] { return client.ended; });
    CHECK(request.closed);
    CHECK(is(client, Kind::kFinished));
    useAfterEnd(loop, client.connection());
  }
}

TEST_CASE("codec connection end: the remote side closes, before and after it has said anything") {
  WireLoop loop;
  for (const std::string said : {"", "PRI", "GET /hang HTTP/1.1\r\nHost: a\r\n\r\n", "PUT /hang HTTP/1.1\r\nHost"}) {
    CAPTURE(said);
    loop.peer.connections.clear();
    RawClient client(loop.peer.listener->address());
    if (!said.empty()) client.send(said);
    client.endOutput();
    const bool waits = said.find("GET") == 0;  // for its answer
    loop.until([&] {
      return !loop.peer.connections.empty() && (waits ? !loop.peer.requests.empty() : loop.served().ended);
    });
    if (waits) loop.request().answer(200, "");
    loop.until([&] { return loop.served().ended; });
    CHECK(is(loop.served(), Kind::kRemoteEnded));
    CHECK(loop.served().closeCode == 0);
    useAfterEnd(loop, loop.served().connection());
  }
}

TEST_CASE("codec connection end: the server closes under a client's request") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    WireLoop loop;
    TestClient client(loop.io, loop.peer.listener->address(), http2);
    ClientRequest& request = client.send("GET", "/half");
    loop.until([&] { return request.body == "half"; });
    loop.served().close();
    CHECK(is(loop.served(), Kind::kLocal));
    loop.until([&] { return client.ended; });
    CHECK(request.wasReset);
    CHECK(is(client, Kind::kRemoteEnded));
    CHECK(client.goneAway == http2);
  }
}

TEST_CASE("codec connection end: a refused connect has its errno, and its streams are told after it") {
  WireLoop loop;
  REQUIRE(loop.peer.listener->refuse());
  TestClient client(loop.io, loop.peer.listener->address(), true);
  ClientRequest& request = client.send("GET", "/ok");
  client.whenEnded = [&] { CHECK_FALSE(request.wasReset); };
  loop.until([&] { return client.ended; });
  CHECK(is(client, Kind::kConnectFailed));
  CHECK(client.closeCode == ECONNREFUSED);
  CHECK(request.wasReset);
  CHECK_FALSE(client.ready);
  useAfterEnd(loop, client.connection());
}

TEST_CASE("codec connection end: an abort is a reset for the other side") {
  for (const bool http2 : {false, true}) {
    for (const bool byServer : {false, true}) {
      CAPTURE(http2);
      CAPTURE(byServer);
      WireLoop loop;
      TestClient client(loop.io, loop.peer.listener->address(), http2);
      ClientRequest& request = client.send("GET", "/half");
      loop.until([&] { return request.body == "half"; });
      EndRecorder& near = byServer ? static_cast<EndRecorder&>(loop.served()) : client;
      EndRecorder& far = byServer ? static_cast<EndRecorder&>(client) : loop.served();
      near.whenEnded = [&] {
        CHECK_FALSE(request.wasReset);
        CHECK_FALSE(loop.request().gone);
      };
      if (byServer) {
        loop.served().abort();
      } else {
        client.connection().abort("aborted by the test");
      }
      CHECK(is(near, Kind::kLocal));
      CHECK(near.endDetail == "aborted by the test");
      loop.until([&] { return far.ended; });
      CHECK(is(far, Kind::kBroken));
      CHECK(far.closeCode == ECONNRESET);
      CHECK(request.wasReset);
      CHECK(loop.request().gone);
      CHECK(loop.io.farewells.empty());
      useAfterEnd(loop, client.connection());
      useAfterEnd(loop, loop.served().connection());
    }
  }
}

TEST_CASE("codec connection end: broken protocol ends with the codec's last words") {
  WireLoop loop;
  // A server's codec, of a client that forgets what it speaks.
  RawClient raw(loop.peer.listener->address());
  Ping owner;
  auto codec = http::createH2ClientCodec(owner, {});
  Buffer preface;
  codec->produce(preface, 64 * 1024);
  raw.send(preface.toString() + std::string(9, '\xff'));
  loop.until([&] { return raw.receive(); });
  CHECK(raw.ended);
  CHECK(is(loop.served(), Kind::kProtocol));
  CHECK_FALSE(loop.served().endDetail.empty());
  REQUIRE(codec->receive(Slice::copyOf(raw.received)));
  CHECK(owner.goneAway > 0);
  useAfterEnd(loop, loop.served().connection());
}

TEST_CASE("codec connection end: an answer in h1 to the preface of h2 is broken protocol") {
  WireLoop loop;
  auto socket = net::ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
  REQUIRE(socket);
  Fd peer;
  net::Acceptor acceptor(loop.dispatcher, **socket, [&](Fd fd) {
    const std::string answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
    CHECK(::send(fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL) > 0);
    peer = std::move(fd);
  });
  TestClient client(loop.io, (*socket)->address(), true);
  loop.until([&] { return client.ended; });
  CHECK(is(client, Kind::kProtocol));
}

TEST_CASE("codec connection end: an error's answer reaches a client that goes on sending") {
  const std::string unreadable = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
  const std::string tooLarge = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n";
  for (const std::string* head : {&unreadable, &tooLarge}) {
    CAPTURE(*head);
    WireLoop loop;
    loop.peer.onBadRequest = [](ServedRequest& request, int status) { request.answer(status, "bad"); };
    loop.peer.onRequest = [](ServedRequest& request) { request.answer(413, "bad"); };
    RawClient client(loop.peer.listener->address());
    client.send(*head);
    const std::string chunk(32 * 1024, 'x');
    int sent = 0;
    loop.until([&] {
      if (client.receive() && sent >= 30) return true;  // more than a codec reads of a request it has answered
      if (client.trySend(chunk) > 0) ++sent;
      return client.error != 0;
    });
    CHECK(client.received.rfind(head == &unreadable ? "HTTP/1.1 400 " : "HTTP/1.1 413 ", 0) == 0);
    CHECK(client.ended);
    CHECK(client.error == 0);
    CHECK(is(loop.served(), Kind::kFinished));
  }
}

TEST_CASE("codec connection end: the GOAWAY of close() arrives behind all that the kernel could not take") {
  WireLoop loop;
  RawClient client(loop.peer.listener->address(), 16 * 1024);
  Ping owner;
  http::CodecLimits limits;
  limits.streamWindow = 64 * 1024 * 1024;
  auto codec = http::createH2ClientCodec(owner, limits);
  ClientRequest answer;
  answer.stream = &codec->openStream(answer);
  http::RequestHead head;
  head.method = "GET";
  head.path = "/hang";
  head.authority = "a";
  head.complete = true;
  answer.stream->sendHeaders(head, true);
  Buffer out;
  codec->produce(out, 64 * 1024);
  client.send(out.toString());
  loop.until([&] { return loop.peer.requests.size() == 1; });
  loop.request().answer(200, std::string(14 * 1024 * 1024, 'g'));  // the connection's window is 16 MiB
  loop.untilStill(loop.served().connection());
  loop.served().connection().flushNow();  // the connection's own output is full as well
  loop.served().close();
  CHECK(is(loop.served(), Kind::kLocal));
  CHECK(loop.request().gone);
  CHECK(loop.io.farewells.size() == 1);
  loop.until([&] { return client.receive(); });
  CHECK(client.ended);
  CHECK(client.error == 0);
  REQUIRE(codec->receive(Slice::copyOf(client.received)));
  CHECK(owner.goneAway == 0);
  codec->receiveEof();
  CHECK(answer.wasReset);
  CHECK(answer.body.size() > 256 * 1024);
  CHECK(answer.body.size() < 14 * 1024 * 1024);
}

TEST_CASE("codec connection end: a client that closes lingers if it had something to say") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    WireLoop loop;
    TestClient client(loop.io, loop.peer.listener->address(), http2);
    ClientRequest& request = client.send("GET", "/ok");
    loop.until([&] { return request.closed; });
    client.connection().close("idle");
    CHECK(is(client, Kind::kLocal));
    CHECK(loop.io.farewells.size() == (http2 ? 1 : 0));
    loop.until([&] { return loop.served().ended && loop.io.farewells.empty(); });
  }
}

TEST_CASE("codec connection end: close() from inside the codec's callbacks") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    WireLoop loop;
    loop.peer.onRequest = [&](ServedRequest&) { loop.served().close(); };
    TestClient client(loop.io, loop.peer.listener->address(), http2);
    ClientRequest& request = client.send("GET", "/ok");
    loop.until([&] { return client.ended && loop.served().ended; });
    CHECK(request.wasReset);
    CHECK(client.goneAway == http2);
    CHECK(is(client, Kind::kRemoteEnded));
  }
}

TEST_CASE("codec connection end: a client that resets when finished does so at once, whatever is still to be sent") {
  WireLoop loop;
  TestClient client(loop.io, loop.peer.listener->address(), false);
  ClientRequest& request = client.send("PUT", "/hold", std::string(32 * 1024 * 1024, 'p'));
  loop.until([&] { return loop.peer.requests.size() == 1; });
  loop.untilStill(client.connection());  // the kernels are full,
  client.connection().flushNow();        // and the connection's own output
  client.connection().resetWhenFinished();
  std::exchange(request.stream, nullptr)->reset(http::ResetReason::kCancel);
  loop.until([&] { return client.ended; });
  CHECK(is(client, Kind::kFinished));
  REQUIRE(loop.request().stream != nullptr);
  // What its kernel still has is read before the reset.
  size_t taken = 0;
  loop.until([&] {
    const size_t more = loop.request().body.size() - taken;
    if (more > 0 && loop.request().stream != nullptr) loop.request().stream->consumed(more);
    taken += more;
    return loop.served().ended;
  });
  CHECK(is(loop.served(), Kind::kBroken));
  CHECK(loop.served().closeCode == ECONNRESET);
}

TEST_CASE("codec connection end: muted, it reads and says nothing, and only an abort is left") {
  WireLoop loop;
  TestClient client(loop.io, loop.peer.listener->address(), true);
  loop.until([&] { return client.ready && !loop.peer.connections.empty(); });
  client.connection().mute();
  ClientRequest& request = client.send("GET", "/ok");
  client.connection().flushNow();
  loop.untilStill(loop.served().connection());
  CHECK(loop.peer.requests.empty());
  const uint64_t before = client.connection().bytesMoved();
  loop.served().close();
  loop.until([&] { return client.connection().bytesMoved() > before; });  // the GOAWAY is read
  loop.until([] { return true; });
  CHECK_FALSE(client.goneAway);
  CHECK_FALSE(client.ended);
  client.connection().abort("enough");
  CHECK(is(client, Kind::kLocal));
  CHECK(request.wasReset);
}
