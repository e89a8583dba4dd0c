// Goal: what a worker does with exchanges when the peer answers, hangs, dies and comes back, over h1 and h2.
// Method: one worker, one scripted peer and one client on one loop, with real sockets; the test is the prober.
#include "flow_harness.h"

using namespace peerpulse;
using namespace peerpulse::proxy;
using namespace peerpulse::proxy::test;
using health::CircuitState;
using health::Outcome;
using health::Verdict;
using peerpulse::test::ServedRequest;

namespace {

void refuse(ProxyOptions& options) { options.peers[0].onDead = OnDead::kRefuse; }

std::vector<bool> protocols() { return {false, true}; }

}  // namespace

TEST_CASE("flow: requests are carried and connections reused") {
  for (const bool http2 : protocols()) {
    CAPTURE(http2);
    Flow flow(http2);
    TestClient& client = flow.client();
    for (int i = 0; i < 3; ++i) {
      ClientRequest& request = client.send("GET", "/ok");
      flow.until([&] { return request.done(); });
      CHECK(request.head.status == 200);
      CHECK(request.body == "hello");
      CHECK(request.ended);
    }
    CHECK(flow.peer.connections.size() == 1);
    CHECK(flow.peer.requests.front()->head.authority == "node2:9000");
    CHECK(flow.outcomes.seen.size() == 3);
    flow.until([&] { return flow.stats.peer(PeerId{0}).inFlight.get() == 0; });
    CHECK(flow.stats.peer(PeerId{0}).connectionsIdle.get() == 1);
  }
}

TEST_CASE("flow: a body larger than every buffer comes back byte for byte") {
  for (const bool http2 : protocols()) {
    CAPTURE(http2);
    Flow flow(http2);
    std::string body;
    for (size_t i = 0; body.size() < 5'000'000; ++i)
      body += std::to_string(i) + ",";
    ClientRequest& request = flow.client().send("PUT", "/echo", body);
    flow.until([&] { return request.done(); });
    CHECK(request.body == body);
  }
}

TEST_CASE("flow: h2 requests go out as h1 to a peer that speaks no h2, but for gRPC") {
  Flow flow(true);
  flow.peer.onlyHttp1 = true;
  flow.table.publishProtocol(PeerId{0}, health::PeerProtocol::kHttp1);
  TestClient& client = flow.client();
  ClientRequest& echoed = client.send("PUT", "/echo", "from h2 to h1");
  flow.until([&] { return echoed.done(); });
  CHECK(echoed.body == "from h2 to h1");
  CHECK((flow.peer.requests.front()->head.version == http::Version::kHttp11));
  int refusals = 0;
  flow.peer.onBadRequest = [&](ServedRequest& request, int status) {
    ++refusals;
    request.answer(status, "");
  };
  ClientRequest& grpc = client.send("POST", "/svc/Method", "x", "application/grpc");
  flow.until([&] { return grpc.done(); });
  CHECK(grpc.head.headers.find("grpc-status") == "14");  // what the peer said was no h2
  CHECK(refusals == 1);
}

TEST_CASE("flow: a gRPC answer of trailers only stays one") {
  Flow flow(true);
  ClientRequest& request = flow.client().send("POST", "/trailers-only", "", "application/grpc");
  flow.until([&] { return request.done(); });
  CHECK(request.head.complete);
  CHECK(request.head.headers.find("grpc-status") == "5");
}

TEST_CASE("flow: a dead peer's exchanges are answered 503 at once, new ones too, without touching the peer") {
  for (const bool http2 : protocols()) {
    CAPTURE(http2);
    Flow flow(http2);
    ClientRequest& hanging = flow.client().send("GET", "/hang");
    flow.until([&] { return flow.peer.requests.size() == 1; });
    flow.setVerdict(Verdict::kDead, CircuitState::kOpen);
    flow.until([&] { return hanging.done(); });
    CHECK(hanging.head.status == 503);
    CHECK(hanging.head.headers.find("proxy-status").find("destination_unavailable") != std::string_view::npos);
    flow.until([&] { return flow.peer.requests.front()->gone; });

    TestClient& client = flow.client();
    ClientRequest& refused = client.send("PUT", "/ok", "body");
    flow.until([&] { return refused.done(); });
    CHECK(refused.head.status == 503);
    CHECK(flow.peer.requests.size() == 1);
    CHECK(flow.stats.peer(PeerId{0}).fastFailuresTotal.get() == 2);
    CHECK(flow.outcomes.seen.empty());  // our own refusals are no evidence

    flow.setVerdict(Verdict::kAlive, CircuitState::kClosed);
    ClientRequest& again = flow.client().send("GET", "/ok");
    flow.until([&] { return again.done(); });
    CHECK(again.head.status == 200);
  }
}

TEST_CASE("flow: gRPC to a dead peer is status 14 in trailers only") {
  Flow flow(true);
  flow.setVerdict(Verdict::kDead, CircuitState::kOpen);
  ClientRequest& request = flow.client().send("POST", "/svc/Method", "x", "application/grpc");
  flow.until([&] { return request.done(); });
  CHECK(request.head.status == 200);
  CHECK(request.head.complete);
  CHECK(request.head.headers.find("grpc-status") == "14");
}

TEST_CASE("flow: a peer that refuses connections may finish what it has begun") {
  for (const bool http2 : protocols()) {
    CAPTURE(http2);
    Flow flow(http2);
    TestClient& client = flow.client();
    ClientRequest& done = client.send("GET", "/ok");
    flow.until([&] { return done.done(); });
    ClientRequest& hanging = client.send("GET", "/hang");
    flow.until([&] { return flow.peer.requests.size() == 2; });
    flow.setVerdict(Verdict::kRefusing, CircuitState::kOpen);
    ClientRequest& refused = flow.client().send("GET", "/ok");
    flow.until([&] { return refused.done(); });
    CHECK(refused.head.status == 502);
    flow.peer.requests.back()->answer(200, "finished");
    flow.until([&] { return hanging.done(); });
    CHECK(hanging.body == "finished");
  }
}

TEST_CASE("flow: an answer in part is reset, never ended cleanly") {
  for (const bool http2 : protocols()) {
    CAPTURE(http2);
    Flow flow(http2);
    TestClient& client = flow.client();
    ClientRequest& request = client.send("GET", "/half");
    flow.until([&] { return request.body == "half"; });
    flow.setVerdict(Verdict::kDead, CircuitState::kOpen);
    flow.until([&] { return request.done(); });
    CHECK(request.wasReset);
    CHECK_FALSE(request.ended);
    if (!http2) CHECK(client.closeCode == ECONNRESET);
  }
}

TEST_CASE("flow: with on_dead refuse every downstream connection is reset") {
  for (const bool http2 : protocols()) {
    CAPTURE(http2);
    Flow flow(http2, refuse);
    TestClient& idle = flow.client();
    TestClient& busy = flow.client();
    ClientRequest& done = idle.send("GET", "/ok");
    ClientRequest& hanging = busy.send("GET", "/hang");
    flow.until([&] { return done.done() && flow.peer.requests.size() == 2; });
    flow.setVerdict(Verdict::kDead, CircuitState::kOpen);
    flow.until([&] { return hanging.done() && idle.ended && busy.ended; });
    CHECK(hanging.wasReset);
    CHECK_FALSE(hanging.gotHead);
    CHECK((hanging.reset == http::ResetReason::kConnectionClosed));  // never REFUSED_STREAM: the peer had seen it
    CHECK(idle.closeCode == ECONNRESET);
    CHECK(busy.closeCode == ECONNRESET);
  }
}

TEST_CASE("flow: exchanges are held while the peer is suspect, and go on when it is cleared") {
  for (const bool http2 : protocols()) {
    CAPTURE(http2);
    Flow flow(http2);
    flow.setVerdict(Verdict::kSuspect, CircuitState::kClosed);
    ClientRequest& request = flow.client().send("PUT", "/echo", "held body");
    flow.until([&] { return flow.stats.peer(PeerId{0}).held.get() == 1; });
    CHECK(flow.peer.requests.empty());
    flow.setVerdict(Verdict::kAlive, CircuitState::kClosed);
    flow.until([&] { return request.done(); });
    CHECK(request.body == "held body");
    CHECK(flow.stats.peer(PeerId{0}).held.get() == 0);
  }
}

TEST_CASE("flow: held exchanges fail at once when the suspicion proves true") {
  Flow flow(false);
  flow.setVerdict(Verdict::kSuspect, CircuitState::kClosed);
  ClientRequest& request = flow.client().send("GET", "/ok");
  flow.until([&] { return flow.stats.peer(PeerId{0}).held.get() == 1; });
  flow.setVerdict(Verdict::kDead, CircuitState::kOpen);
  flow.until([&] { return request.done(); });
  CHECK(request.head.status == 503);
  CHECK(flow.peer.connections.empty());
}

TEST_CASE("flow: a verdict that does not come lets the exchange go on after hold_for") {
  Flow flow(false, [](ProxyOptions& o) { o.holdFor = milliseconds(20); });
  flow.setVerdict(Verdict::kUnknown, CircuitState::kClosed);
  ClientRequest& request = flow.client().send("GET", "/ok");
  flow.until([&] { return request.done(); });
  CHECK(request.head.status == 200);
}

TEST_CASE("flow: what is in flight while suspect is left alone") {
  Flow flow(true);
  ClientRequest& request = flow.client().send("GET", "/hang");
  flow.until([&] { return flow.peer.requests.size() == 1; });
  flow.setVerdict(Verdict::kSuspect, CircuitState::kClosed);
  flow.setVerdict(Verdict::kStalled, CircuitState::kOpen);
  flow.peer.requests.front()->answer(200, "late");
  flow.until([&] { return request.done(); });
  CHECK(request.body == "late");
}

TEST_CASE("flow: a refused stream is sent again with its body") {
  Flow flow(true);
  ClientRequest& request = flow.client().send("PUT", "/refuse-once", "replayed");
  flow.until([&] { return request.done(); });
  CHECK(request.body == "second");
  flow.until([&] { return flow.peer.requests.back()->body == "replayed"; });
  CHECK(flow.stats.peer(PeerId{0}).retriesTotal.get() == 1);
}

TEST_CASE("flow: half-open lets one trial through at a time") {
  Flow flow(true);
  flow.setVerdict(Verdict::kAlive, CircuitState::kHalfOpen);
  TestClient& client = flow.client();
  ClientRequest& trial = client.send("GET", "/hang");
  flow.until([&] { return flow.peer.requests.size() == 1; });
  ClientRequest& second = client.send("GET", "/ok");
  flow.until([&] { return second.done(); });
  CHECK(second.head.status == 503);
  std::exchange(trial.stream, nullptr)->reset(http::ResetReason::kCancel);  // given back without an outcome
  client.connection->outputReady();
  flow.until([&] { return flow.stats.peer(PeerId{0}).inFlight.get() == 0; });
  ClientRequest& third = client.send("GET", "/ok");
  flow.until([&] { return third.done(); });
  CHECK(third.head.status == 200);
}

TEST_CASE("flow: a client that goes away takes its upstream stream along") {
  for (const bool http2 : protocols()) {
    CAPTURE(http2);
    Flow flow(http2);
    TestClient& client = flow.client();
    client.send("GET", "/hang");
    flow.until([&] { return flow.peer.requests.size() == 1; });
    client.connection->abort("the client goes away");
    flow.until([&] { return flow.peer.requests.front()->gone; });
    CHECK(flow.stats.peer(PeerId{0}).inFlight.get() == 0);
  }
}

TEST_CASE("flow: a peer that refuses connections is 502, and counted against it") {
  Flow flow(false);
  REQUIRE(flow.peer.listener->refuse());
  ClientRequest& request = flow.client().send("GET", "/ok");
  flow.until([&] { return request.done(); });
  CHECK(request.head.status == 502);
  CHECK(request.head.headers.find("proxy-status").find("connection_refused") != std::string_view::npos);
  REQUIRE(flow.outcomes.seen.size() == 1);
  CHECK(flow.outcomes.seen.front().outcome == Outcome::kConnectFailure);
}

TEST_CASE("flow: a peer that does not answer in time is 504") {
  Flow flow(true, [](ProxyOptions& o) { o.timeouts[0].request = milliseconds(30); });
  ClientRequest& request = flow.client().send("GET", "/hang");
  flow.until([&] { return request.done(); });
  CHECK(request.head.status == 504);
  CHECK(flow.stats.peer(PeerId{0}).timeoutsBy[0].get() == 1);
  flow.until([&] { return flow.peer.requests.front()->gone; });
}

TEST_CASE("flow: an open circuit is ignored when its prober has stopped") {
  Flow flow(false);
  flow.setVerdict(Verdict::kDead, CircuitState::kOpen);
  flow.table.beat(flow.dispatcher.now() - seconds(5));
  TestClient& client = flow.client();
  ClientRequest& request = client.send("GET", "/ok");
  auto end = flow.dispatcher.createTimer([&] { flow.dispatcher.exit(); });
  end->enable(milliseconds(200));
  flow.dispatcher.run();  // not until(): it would beat
  CHECK(request.head.status == 200);
  CHECK(flow.stats.peer(PeerId{0}).failOpenTotal.get() == 1);
}

TEST_CASE("flow: 500 exchanges to a dead peer all fail, none is forgotten") {
  Flow flow(true);
  TestClient& client = flow.client();
  std::vector<ClientRequest*> requests;
  for (int i = 0; i < 100; ++i)
    requests.push_back(&client.send("GET", "/hang"));
  flow.until([&] { return flow.peer.requests.size() == 100; });
  for (int c = 0; c < 4; ++c) {
    TestClient& more = flow.client();
    for (int i = 0; i < 100; ++i)
      requests.push_back(&more.send("GET", "/hang"));
  }
  flow.until([&] { return flow.peer.requests.size() == 500; });
  flow.setVerdict(Verdict::kDead, CircuitState::kOpen);
  flow.until([&] { return std::all_of(requests.begin(), requests.end(), [](auto* r) { return r->done(); }); });
  for (auto* request : requests)
    CHECK(request->head.status == 503);
  CHECK(flow.stats.peer(PeerId{0}).inFlight.get() == 0);
}

TEST_CASE("flow: failing in flight is measured once per death, and leaves nothing behind") {
  for (const bool http2 : protocols()) {
    for (const bool refusing : {false, true}) {
      CAPTURE(http2);
      CAPTURE(refusing);
      Flow flow(http2, [&](ProxyOptions& o) {
        if (refusing) refuse(o);
      });
      const stats::PeerStats& stats = flow.stats.peer(PeerId{0});
      flow.setVerdict(Verdict::kDead, CircuitState::kOpen);  // with nothing in flight
      CHECK(stats.failInFlight.snapshot().count() == 0);
      for (int death = 1; death <= 2; ++death) {
        flow.setVerdict(Verdict::kAlive, CircuitState::kClosed);
        const size_t before = flow.peer.requests.size();
        std::vector<ClientRequest*> requests;
        for (int i = 0; i < 20; ++i)
          requests.push_back(&flow.client().send("GET", "/hang"));
        flow.until([&] { return flow.peer.requests.size() == before + 20; });
        flow.setVerdict(Verdict::kDead, CircuitState::kOpen);
        flow.until([&] {
          return std::all_of(requests.begin(), requests.end(), [](auto* r) { return r->done(); }) &&
                 stats.connectionsActive.get() == 0;
        });
        CHECK(stats.failInFlight.snapshot().count() == static_cast<uint64_t>(death));
        CHECK(stats.failedInFlightTotal.get() == static_cast<uint64_t>(20 * death));
        CHECK(stats.inFlight.get() == 0);
        flow.clients.clear();
      }
    }
  }
}

TEST_CASE("flow: bytes of a peer that was found dead are a sign of life, and nothing else") {
  for (const bool http2 : protocols()) {
    CAPTURE(http2);
    Flow flow(http2);
    TestClient& client = flow.client();
    ClientRequest& request = client.send("GET", "/hang");
    flow.until([&] { return flow.peer.requests.size() == 1; });
    const TimePoint heard = flow.table.lastHeard(PeerId{0});
    flow.peer.requests.front()->answer(200, "too late");
    flow.setVerdict(Verdict::kDead, CircuitState::kOpen);
    flow.until([&] { return request.done(); });
    CHECK(request.head.status == 503);
    CHECK(flow.table.lastHeard(PeerId{0}) >= heard);
  }
}
