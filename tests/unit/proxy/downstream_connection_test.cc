// Goal: a client's connection ends when it was idle or busy with one head for too long, says so first, and drains without
// losing a request.
// Method: a listener, its clients and a peer in memory.
#include "downstream_connection.h"

#include "../http/h2/frames.h"
#include "log_capture.h"
#include "proxy_world.h"

using namespace peerpulse;
using namespace peerpulse::proxy;
using namespace peerpulse::proxy::test;

namespace {

constexpr bool kBoth[] = {false, true};
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string settings() { return http::test::frame(http::test::kSettings, 0, 0, ""); }
std::string ping() { return http::test::frame(http::test::kPing, 0, 0, "12345678"); }

bool saidGoAway(const RawClient& client) {
  return client.heard.find(std::string("\x07\x00\x00\x00\x00\x00", 6)) != std::string::npos;
}

constexpr std::string_view kRequest = "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace

// --- idle ------------------------------------------------------------------------------------------------------

TEST_CASE("downstream connection: idle for too long it is closed, on h2 after GOAWAY") {
  for (const bool http2 : kBoth) {
    CAPTURE(http2);
    ProxyWorld w;
    TestClient& client = w.client(http2);
    w.answered(client);
    w.run(seconds(59));
    w.sweep();
    w.settle();
    CHECK_FALSE(client.ended);
    w.run(seconds(2));
    w.sweep();
    w.settle();
    CHECK(client.ended);
    CHECK(client.closeCode == 0);
    CHECK(client.goneAway == http2);
    CHECK(w.listener->connections() == 0);
  }
}

TEST_CASE("downstream connection: one that never said anything is idle, too") {
  ProxyWorld w;
  RawClient& client = w.rawClient();
  w.run(seconds(61));
  w.sweep();
  w.settle();
  CHECK(client.ended);
  CHECK(client.heard.empty());
}

TEST_CASE("downstream connection: a request starts the clock anew; one under way stops it") {
  for (const bool http2 : kBoth) {
    CAPTURE(http2);
    ProxyWorld w([](ProxyOptions& o) { o.timeouts[0].request = Duration::zero(); });
    TestClient& client = w.client(http2);
    for (int i = 0; i < 3; ++i) {
      w.answered(client);
      w.run(seconds(50));
      w.sweep();
    }
    ClientRequest& hanging = w.sent(client, "GET", "/hang");
    w.run(seconds(1000));
    w.sweep();
    w.settle();
    CHECK_FALSE(hanging.done());
    w.remote.last().answer(200, "");
    w.until([&] { return hanging.done(); });
    CHECK(hanging.closed);
  }
}

TEST_CASE("downstream connection: an h2 client that asks whether we live is not idle, and its PINGs are no heads") {
  ProxyWorld w;
  RawClient& client = w.rawClient();
  client.say(std::string(kPreface) + settings());
  for (int i = 0; i < 70; ++i) {
    w.run(seconds(1));
    w.sweep();
    if (client.over()) break;
    client.say(ping());
  }
  CHECK_FALSE(saidGoAway(client));
  w.run(seconds(61));
  w.sweep();
  w.settle();
  CHECK(client.ended);
  CHECK(saidGoAway(client));
}

// --- heads -----------------------------------------------------------------------------------------------------

TEST_CASE("downstream connection: a head that takes too long is answered 408, and the client sees it") {
  for (const std::string_view part : {"GET / HT", "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ", "P"}) {
    CAPTURE(part);
    ProxyWorld w;
    RawClient& client = w.rawClient();
    client.say(part);
    w.run(seconds(5));
    w.sweep();
    w.settle();
    CHECK_FALSE(client.over());
    w.run(milliseconds(100));
    w.sweep();
    w.settle();
    CHECK(client.heard.starts_with("HTTP/1.1 408 "));
    CHECK(client.heard.find("error=http_request_error") != std::string::npos);
    CHECK(client.heard.find("connection: close") != std::string::npos);
    CHECK(client.ended);
    CHECK(client.error == 0);
    CHECK(w.remote.connections.empty());
  }
}

TEST_CASE("downstream connection: a client that dribbles its head is not given more time for each byte") {
  ProxyWorld w;
  RawClient& client = w.rawClient();
  for (int i = 0; i < 10 && !client.over(); ++i) {
    client.say("G");
    w.run(seconds(1));
    w.sweep();
    w.settle();
  }
  CHECK(client.heard.starts_with("HTTP/1.1 408 "));
}

TEST_CASE("downstream connection: a slow head on a connection that has served before") {
  ProxyWorld w;
  RawClient& client = w.rawClient();
  client.say(kRequest);
  w.run(seconds(30));
  w.sweep();
  CHECK(client.heard.find(" 200 ") != std::string::npos);
  client.say("GET /slow");
  w.run(milliseconds(5100));
  w.sweep();
  w.settle();
  CHECK(client.heard.find("HTTP/1.1 408 ") != std::string::npos);
}

TEST_CASE("downstream connection: a slow field section of h2 ends by GOAWAY") {
  ProxyWorld w;
  RawClient& client = w.rawClient();
  client.say(std::string(kPreface) + settings());
  w.settle();
  client.say(http::test::frame(http::test::kHeaders, 0, 1, "\x82"));  // HEADERS without END_HEADERS
  w.run(milliseconds(5100));
  w.sweep();
  w.settle();
  CHECK(client.ended);
  CHECK(saidGoAway(client));
}

TEST_CASE("downstream connection: the time for a head is not for its body or its answer") {
  for (const bool http2 : kBoth) {
    CAPTURE(http2);
    ProxyWorld w;
    TestClient& client = w.client(http2);
    ClientRequest& request = client.open("PUT", "/echo");
    w.until([&] { return w.remote.requests.size() == 1; });
    for (int i = 0; i < 5; ++i) {
      w.run(seconds(4));
      w.sweep();
      request.stream->sendData(Slice::copyOf("x"));
    }
    request.stream->sendEnd();
    w.until([&] { return request.done(); });
    CHECK(request.body == "xxxxx");
  }
}

// --- our own pause ---------------------------------------------------------------------------------------------

TEST_CASE("downstream connection: time in which our own loop stood still is no head that takes too long") {
  ProxyWorld w;
  RawClient& client = w.rawClient();
  client.say("GET /ok HTTP/1.1\r\n");
  w.run(seconds(4));
  w.loop.block(w.time.now() + seconds(15));
  w.run(seconds(10));
  client.say("Host: a\r\n\r\n");
  w.run(seconds(5) - milliseconds(1));
  w.sweep();  // before what arrived meanwhile is read
  w.run(milliseconds(10));
  CHECK(client.heard.starts_with("HTTP/1.1 200 "));
  CHECK_FALSE(client.over());
}

TEST_CASE("downstream connection: time in which our own loop stood still is no idleness") {
  for (const bool http2 : kBoth) {
    CAPTURE(http2);
    ProxyWorld w;
    TestClient& client = w.client(http2);
    w.answered(client);
    w.run(seconds(50));
    w.loop.block(w.time.now() + seconds(15));
    w.run(seconds(14));
    ClientRequest& request = client.send("GET", "/ok");
    w.run(seconds(1) - milliseconds(1));
    w.sweep();
    w.until([&] { return request.done(); });
    CHECK(request.head.status == 200);
    w.run(seconds(61));
    w.sweep();
    w.settle();
    CHECK(client.ended);
  }
}

// --- drain -----------------------------------------------------------------------------------------------------

TEST_CASE("downstream connection: drained while idle, h1 serves what is on its way and says that it is the last") {
  ProxyWorld w;
  RawClient& client = w.rawClient();
  client.say(kRequest);
  w.settle();
  client.heard.clear();
  w.listener->drain();
  client.say(kRequest);  // crosses it
  w.settle();
  CHECK(client.heard.find(" 200 ") != std::string::npos);
  CHECK(client.heard.find("connection: close") != std::string::npos);
  CHECK(client.ended);
  CHECK(w.listener->drained());
}

TEST_CASE("downstream connection: drained while idle, h1 is closed after a moment") {
  ProxyWorld w;
  TestClient& client = w.client(false);
  w.answered(client);
  w.listener->drain();
  w.run(milliseconds(200));
  w.sweep();
  w.settle();
  CHECK_FALSE(client.ended);
  w.run(milliseconds(100));
  w.sweep();
  w.settle();
  CHECK(client.ended);
  CHECK(client.closeCode == 0);
  CHECK(w.listener->drained());
}

TEST_CASE("downstream connection: drained while idle, h2 says GOAWAY and serves what crosses it") {
  ProxyWorld w;
  TestClient& client = w.client(true);
  w.answered(client);
  w.listener->drain();
  ClientRequest& crosses = client.send("GET", "/ok");
  w.until([&] { return crosses.done(); });
  CHECK(crosses.closed);
  w.settle();
  CHECK(client.goneAway);
  CHECK(client.ended);
  CHECK(client.closeCode == 0);
  CHECK(w.listener->drained());
}

TEST_CASE(
    "downstream connection: drained while idle, an h2 client that does not answer the notice is not waited for") {
  ProxyWorld w;
  RawClient& client = w.rawClient();
  client.say(std::string(kPreface) + settings());
  w.settle();
  w.listener->drain();
  w.run(milliseconds(200));
  w.sweep();
  CHECK_FALSE(w.listener->drained());
  w.run(milliseconds(100));
  w.sweep();
  CHECK(w.listener->drained());
  w.settle();
  CHECK(saidGoAway(client));
  CHECK(client.ended);
  CHECK(client.error == 0);
}

TEST_CASE("downstream connection: drained while busy, it ends with its answers") {
  for (const bool http2 : kBoth) {
    for (const bool answering : kBoth) {
      CAPTURE(http2);
      CAPTURE(answering);
      ProxyWorld w;
      TestClient& client = w.client(http2);
      ClientRequest& request = w.sent(client, "GET", "/test");
      if (answering) {
        w.remote.last().begin(200, 4);
        w.settle();
      }
      w.listener->drain();
      w.run(seconds(5));
      w.sweep();
      CHECK_FALSE(request.done());
      if (answering) {
        w.remote.last().stream->sendData(Slice::copyOf("done"));
        w.remote.last().stream->sendEnd();
      } else {
        w.remote.last().answer(200, "done");
      }
      w.until([&] { return request.done(); });
      CHECK(request.closed);
      CHECK(request.body == "done");
      w.settle();
      if (answering && !http2) {  // its head promised to keep the connection
        CHECK_FALSE(client.ended);
        w.run(milliseconds(300));
        w.sweep();
      }
      w.settle();
      CHECK(client.ended);
      CHECK(w.listener->drained());
    }
  }
}

TEST_CASE("downstream connection: an h2 client that comes in the middle of a drain is told at once") {
  ProxyWorld w;
  RawClient& client = w.rawClient();
  w.listener->drain();
  client.say(std::string(kPreface) + settings());
  w.settle();
  CHECK(saidGoAway(client));
}

TEST_CASE("downstream connection: drained with a tunnel, it is left its grace and then reset at both ends") {
  LogCapture log;
  {
    ProxyWorld w([](ProxyOptions& o) { o.accessLog.mode = AccessLogOptions::Mode::kAll; });
    TestClient& client = w.client(false);
    ClientRequest& tunnel = w.tunnel(client);
    w.listener->drain();
    w.run(milliseconds(400));
    w.sweep();
    tunnel.stream->sendData(Slice::copyOf("still"));
    w.settle();
    CHECK(w.remote.last().body == "still");
    CHECK_FALSE(tunnel.done());
    w.run(milliseconds(200));
    w.sweep();
    w.settle();
    CHECK(tunnel.wasReset);
    CHECK(client.closeCode == ECONNRESET);
    CHECK(w.remote.last().gone);
    CHECK(w.listener->drained());
    CHECK(w.peerStats().failuresTotal.get() == 0);
    CHECK(w.outcomes.seen.size() == 1);  // the 101 was the peer's answer, and all that it did
  }
  const auto lines = log.lines();
  REQUIRE(lines.size() == 1);
  CHECK(has(lines[0], "\"party\":\"self\""));
  CHECK(has(lines[0], "draining"));
}

TEST_CASE(
    "downstream connection: drained, a tunnel that ends in its grace ends in order, and an exchange has no grace") {
  ProxyWorld w([](ProxyOptions& o) { o.timeouts[0].request = Duration::zero(); });
  TestClient& client = w.client(false);
  ClientRequest& tunnel = w.tunnel(client);
  ServedRequest& served = w.remote.last();
  ClientRequest& download = w.sent(w.client(false), "GET", "/test");
  w.remote.last().begin(200, 3);
  w.settle();
  w.listener->drain();
  tunnel.stream->sendEnd();
  served.stream->sendEnd();
  w.until([&] { return tunnel.done(); });
  CHECK(tunnel.closed);
  w.run(seconds(9));
  w.sweep();
  w.settle();
  CHECK_FALSE(download.done());
  w.remote.last().stream->sendData(Slice::copyOf("end"));
  w.remote.last().stream->sendEnd();
  w.until([&] { return download.done(); });
  CHECK(download.closed);
}

TEST_CASE("downstream connection: many tunnels are reset in many turns of the loop") {
  ProxyWorld w;
  std::vector<ClientRequest*> tunnels;
  for (size_t i = 0; i < 60; ++i)
    tunnels.push_back(&w.tunnel(w.client(false)));
  w.listener->drain();
  w.run(milliseconds(501));
  w.sweep();
  w.until([&] { return w.listener->drained(); });
  w.settle();
  for (const ClientRequest* tunnel : tunnels)
    CHECK(tunnel->wasReset);
}
