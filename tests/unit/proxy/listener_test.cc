// Goal: a listener has as many connections as allowed, acts for its peer when that dies, without stopping the loop, and
// lets go of everything.
// Method: a listener, its clients and a peer in memory.
#include "log_capture.h"
#include "proxy_world.h"

using namespace peerpulse;
using namespace peerpulse::proxy;
using namespace peerpulse::proxy::test;
using health::CircuitState;
using health::Verdict;

namespace {

constexpr bool kBoth[] = {false, true};

size_t endedOf(const ProxyWorld& w) {
  return static_cast<size_t>(
      std::count_if(w.clients.begin(), w.clients.end(), [](const auto& client) { return client->ended; }));
}

}  // namespace

TEST_CASE("listener: one client too many is told at once, and the others do not notice") {
  LogCapture log;
  {
    ProxyWorld w([](ProxyOptions& o) { o.maxDownstreamConnections = 2; });
    TestClient& first = w.client(true);
    w.client(false);
    TestClient& third = w.client(true);
    w.until([&] { return third.ended; });
    CHECK(w.listener->connections() == 2);
    w.answered(first);
    first.connection().abort("makes room");
    w.settle();
    w.answered(w.client(false));
  }
  const auto lines = log.lines();
  REQUIRE(lines.size() == 1);
  CHECK(has(lines[0], "\"event\":\"downstream_limit\""));
}

TEST_CASE("listener: clients that found no room are counted by what there was none of, and told of now and then") {
  LogCapture log;
  {
    ProxyWorld w;
    for (int i = 0; i < 100; ++i)
      w.listener->turnAway(TurnedAway::kDescriptors);
    w.listener->turnAway(TurnedAway::kConnectionLimit);
    w.run(seconds(2));
    w.listener->turnAway(TurnedAway::kDescriptors);
    CHECK(w.peerStats().clientsWithoutDescriptor.get() == 101);
    CHECK(w.peerStats().clientsOverLimit.get() == 1);
  }
  const auto lines = log.lines();
  REQUIRE(lines.size() == 3);
  CHECK(has(lines[0], "\"event\":\"descriptors_exhausted\""));
  CHECK(has(lines[1], "\"event\":\"downstream_limit\""));
  CHECK(has(lines[2], "\"turned_away\":101"));
}

TEST_CASE(
    "listener: PINGs are held while the peer's process owes an answer, but not on the word of a prober that has "
    "stopped") {
  ProxyWorld w;
  w.answered(w.client(true));
  w.answered(w.client(false));
  CHECK_FALSE(w.listener->pingsHeld());
  w.table.publishOwing(kPeer, true);
  w.listener->onOwingChange();
  CHECK(w.listener->pingsHeld());
  w.answered(w.client(true));
  w.table.publishOwing(kPeer, false);
  w.sweep();
  CHECK_FALSE(w.listener->pingsHeld());
  w.table.publishOwing(kPeer, true);
  w.sweep();
  CHECK(w.listener->pingsHeld());
  w.stopProber();
  w.run(seconds(2));
  w.sweep();
  CHECK_FALSE(w.listener->pingsHeld());
}

TEST_CASE("listener: a limit that a reload lowers counts for those who come") {
  const LogCapture log;  // it says so
  ProxyWorld w;
  TestClient& first = w.client(true);
  w.apply([](ProxyOptions& o) { o.maxDownstreamConnections = 1; });
  TestClient& second = w.client(true);
  w.until([&] { return second.ended; });
  w.answered(first);
}

// --- on_dead ---------------------------------------------------------------------------------------------------

TEST_CASE("listener: on_dead respond: the connections stay, and serve again when the peer is back") {
  for (const bool http2 : kBoth) {
    CAPTURE(http2);
    ProxyWorld w;
    TestClient& client = w.client(http2);
    ClientRequest& underWay = w.sent(client, "GET", "/hang");
    w.die();
    w.until([&] { return underWay.done(); });
    CHECK(underWay.head.status == 503);
    w.settle();
    CHECK_FALSE(client.ended);
    w.change(Verdict::kAlive);
    w.answered(client);
  }
}

TEST_CASE("listener: on_dead refuse: every connection is reset, whatever it was doing") {
  ProxyWorld w(ProxyWorld::refuses);
  w.answered(w.client(false));
  w.answered(w.client(true));
  RawClient& silent = w.rawClient();
  RawClient& half = w.rawClient();
  half.say("GET / HT");
  w.sent(w.client(false), "GET", "/hang");
  w.sent(w.client(true), "GET", "/hang");
  w.settle();
  w.die();
  CHECK(w.listener->connections() == 0);
  w.settle();
  CHECK(endedOf(w) == 4);
  for (const auto& client : w.clients)
    CHECK(client->closeCode == ECONNRESET);
  CHECK(silent.error == ECONNRESET);
  CHECK(half.error == ECONNRESET);
  CHECK(w.peerStats().failedInFlightTotal.get() == 2);
  CHECK(w.peerStats().inFlight.get() == 0);
}

TEST_CASE("listener: resetting many takes many turns of the loop, and ends") {
  for (const bool busy : kBoth) {
    CAPTURE(busy);
    ProxyWorld w(ProxyWorld::refuses);
    for (int i = 0; i < 60; ++i) {
      TestClient& client = w.client(true);
      if (busy) {
        w.sent(client, "GET", "/hang");
      } else {
        w.answered(client);
      }
    }
    w.die();
    w.until([&] { return w.listener->connections() == 0; });
    w.settle();
    CHECK(endedOf(w) == 60);
    CHECK(w.listener->drained());
  }
}

TEST_CASE("listener: on_dead refuse, a circuit opened for another reason: idle ones are reset, the others end well") {
  for (const Verdict verdict : {Verdict::kRefusing, Verdict::kStalled, Verdict::kAlive}) {
    CAPTURE(health::toString(verdict));
    ProxyWorld w(ProxyWorld::refuses);
    TestClient& idle = w.client(false);
    w.answered(idle);
    TestClient& busy = w.client(true);
    ClientRequest& underWay = w.sent(busy, "GET", "/hang");
    w.change(verdict, CircuitState::kOpen);
    w.settle();
    CHECK(idle.closeCode == ECONNRESET);
    CHECK_FALSE(busy.ended);
    w.remote.last().answer(200, "finished");
    w.until([&] { return underWay.done(); });
    CHECK(underWay.body == "finished");
  }
}

TEST_CASE("listener: on_dead refuse, suspect: nothing is reset") {
  ProxyWorld w(ProxyWorld::refuses);
  TestClient& idle = w.client(false);
  w.answered(idle);
  w.change(Verdict::kSuspect);
  w.settle();
  CHECK_FALSE(idle.ended);
}

// --- refusals --------------------------------------------------------------------------------------------------

TEST_CASE("listener: the refusal names peer, verdict and reason, and is the same until the circuit changes") {
  ProxyWorld w;
  w.die();
  TestClient& client = w.client(true);
  std::string first;
  for (int i = 0; i < 3; ++i) {
    ClientRequest& request = client.send("GET", "/ok");
    w.until([&] { return request.done(); });
    CHECK(request.head.status == 503);
    CHECK(request.head.headers.find("retry-after") == "1");
    if (first.empty()) first = request.body;
    CHECK(request.body == first);
    w.run(milliseconds(10));
  }
  CHECK(has(first, "\"peer\":\"node2\""));
  CHECK(has(first, "\"verdict\":\"dead\""));
  CHECK(has(first, "\"reason\":\"probe_silence\""));
  w.change(Verdict::kRefusing, CircuitState::kOpen);
  ClientRequest& request = client.send("GET", "/ok");
  w.until([&] { return request.done(); });
  CHECK(request.head.status == 502);
  CHECK(has(request.body, "\"verdict\":\"refusing\""));
}

TEST_CASE("listener: gRPC and HTTP have refusals of their own, side by side") {
  ProxyWorld w;
  w.die();
  TestClient& client = w.client(true);
  http::HeaderList grpc;
  grpc.add("content-type", "application/grpc+proto");
  for (int i = 0; i < 2; ++i) {
    ClientRequest& plain = client.send("GET", "/ok");
    ClientRequest& rpc = client.send("POST", "/svc/Method", "x", grpc);
    w.until([&] { return plain.done() && rpc.done(); });
    CHECK(plain.head.status == 503);
    CHECK(rpc.head.status == 200);
    CHECK(rpc.head.headers.find("grpc-status") == "14");
  }
}

// --- the end ---------------------------------------------------------------------------------------------------

TEST_CASE("listener: it is drained when the last exchange is logged, not before") {
  ProxyWorld w;
  CHECK(w.listener->drained());
  TestClient& client = w.client(true);
  ClientRequest& request = w.sent(client, "GET", "/hang");
  w.listener->drain();
  w.settle();
  CHECK_FALSE(w.listener->drained());
  w.remote.last().answer(200, "");
  w.until([&] { return request.done(); });
  w.settle();
  CHECK(w.listener->drained());
}

TEST_CASE("listener: destroyed, its connections are reset and its exchanges ended") {
  ProxyWorld w;
  TestClient& idle = w.client(false);
  w.answered(idle);
  TestClient& busy = w.client(true);
  w.sent(busy, "GET", "/hang");
  w.listener.reset();
  CHECK(w.peerStats().inFlight.get() == 0);
  CHECK(w.context->peers.find(kPeer)->requestsInFlight() == 0);
  w.settle();
  CHECK(idle.closeCode == ECONNRESET);
  CHECK(busy.closeCode == ECONNRESET);
  CHECK(w.remote.last().gone);
  w.listener = std::make_unique<Listener>(*w.context, w.snapshot->options.peers[0]);
}

TEST_CASE("listener: every exchange leaves one line, in the order in which they ended") {
  LogCapture log;
  {
    ProxyWorld w([](ProxyOptions& o) { o.accessLog.mode = AccessLogOptions::Mode::kAll; });
    TestClient& client = w.client(true);
    for (const char* path : {"/a", "/b", "/c"})
      w.sent(client, "GET", path);
    for (auto request = w.remote.requests.rbegin(); request != w.remote.requests.rend(); ++request) {
      (*request)->answer(200, "");
      w.settle();
    }
  }
  const auto lines = log.lines();
  REQUIRE(lines.size() == 3);
  CHECK(has(lines[0], "\"path\":\"/c\""));
  CHECK(has(lines[1], "\"path\":\"/b\""));
  CHECK(has(lines[2], "\"path\":\"/a\""));
}
