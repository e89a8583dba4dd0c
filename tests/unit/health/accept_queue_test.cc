// Goal: a peer whose accept queue is full (its kernel drops SYNs to its port, the host lives) is never dead,
// on any rung of the ladder; it is stalled in time, a real power cut that follows is found within the
// documented bound, and so is its recovery.
#include <cerrno>

#include <doctest/doctest.h>

#include "peerpulse/health/peer_health.h"
#include "simulated_peer.h"

namespace peerpulse::health {
namespace {

constexpr Duration kTick = milliseconds(1);

/// A peer on the L4 rung, alive, that is asked by connects alone: neither requests nor echoes are answered.
struct L4 : SimulatedPeer {
  explicit L4(ProbeOptions options = {}, uint32_t seed = 1) : SimulatedPeer(options, seed) {
    speaksHttp2 = answersRequests = false;
    runFor(seconds(7));
    REQUIRE(health().mode() == ProbeMode::kL4);
    REQUIRE((health().rungs() == Rungs{ProbeMode::kL4, HostMeans::kConnect, ProcessMeans::kConnect}));
    REQUIRE(verdict() == Verdict::kAlive);
  }
};

/// S + 200 ms + C, from the last packet (failure_detector.h).
Duration bound(const ProbeOptions& options) {
  return options.suspectAfter + DetectionLimits::kDelayedAck + options.confirm + kTick;
}

TEST_CASE("accept queue: full on the L4 rung: never dead, stalled in time, open later, alive once it drains") {
  for (uint32_t seed = 1; seed <= 10; ++seed) {
    L4 sim({}, seed);
    sim.runFor(seconds(seed % 3) + milliseconds(7 * seed));
    sim.acceptQueueFull = true;
    const TimePoint full = sim.now();
    const int connects = sim.connects;
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kStalled; }, seconds(11)));
    CHECK(sim.now() - full >= seconds(10));
    CHECK(sim.now() - full <= milliseconds(10'020) + kTick);
    CHECK(sim.circuit() == CircuitState::kClosed);
    REQUIRE(sim.runUntil([&] { return sim.circuit() == CircuitState::kOpen; }, seconds(21)));
    CHECK(sim.health().word().reason == Reason::kProcessStalled);
    sim.runFor(seconds(30));
    CHECK(sim.count(Verdict::kDead) == 0);
    CHECK(sim.count(Verdict::kRefusing) == 0);
    // One suspicion; then a host check per S and the connect every T, no bursts.
    CHECK(sim.count(Verdict::kSuspect) == 1);
    CHECK(sim.confirmBursts == 1);
    CHECK(sim.hostChecks <= 1220);
    CHECK(sim.connects - connects <= 3100);
    sim.acceptQueueFull = false;
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, milliseconds(21)));
    CHECK(sim.circuit() == CircuitState::kClosed);
    const int checks = sim.hostChecks;
    sim.runFor(seconds(5));
    CHECK(sim.hostChecks == checks);
    CHECK(sim.count(Verdict::kSuspect) == 1);
  }
}

TEST_CASE("accept queue: a power cut from that state is found within S + 200 ms + C, in every profile") {
  for (const ProbeOptions& options : {ProbeOptions::lan(), ProbeOptions::fast(), ProbeOptions::wan()}) {
    for (int i = 0; i < 50; ++i) {
      L4 sim(options, static_cast<uint32_t>(i));
      sim.acceptQueueFull = true;
      sim.runFor(seconds(i % 2 == 0 ? 3 : 12) + milliseconds(i));
      CHECK(sim.verdict() == (i % 2 == 0 ? Verdict::kAlive : Verdict::kStalled));
      sim.powered = false;
      const TimePoint cut = sim.now();
      REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(2)));
      CHECK(sim.now() - cut <= bound(options));
      CHECK(sim.transitions().back().evidence.confirmConnects == options.confirmConnects);
      sim.powered = true;
      sim.acceptQueueFull = false;
      CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; },
                         2 * options.recoverInterval + milliseconds(15)));
    }
  }
}

TEST_CASE("accept queue: a full one is silence, as ever, once the other port that had answered is silent too") {
  L4 sim;
  sim.hostAnswers = false;
  sim.acceptQueueFull = true;
  const TimePoint full = sim.now();
  REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(1)));
  CHECK(sim.now() - full <= milliseconds(66));
  CHECK(sim.hostChecks > 0);
}

TEST_CASE("accept queue: without another port the connection that is kept vouches for the host") {
  ProbeOptions options;
  options.confirmPort = 0;
  L4 sim(options);
  sim.acceptQueueFull = true;
  sim.runFor(seconds(60));
  CHECK(sim.count(Verdict::kDead) == 0);
  CHECK(sim.verdict() == Verdict::kStalled);
  CHECK(sim.hostChecks == 0);
  sim.powered = false;
  CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(3)));
}

TEST_CASE("accept queue: loss makes no death of it" * doctest::test_suite("long")) {
  L4 sim({}, 9);
  sim.lossPercent = 2;
  sim.acceptQueueFull = true;
  sim.runFor(seconds(600));
  CHECK(sim.count(Verdict::kDead) == 0);
  CHECK(sim.verdict() == Verdict::kStalled);
  CHECK(sim.confirmBursts <= 5);
}

TEST_CASE("accept queue: data from the process is evidence before it is stalled, and saves connects") {
  L4 sim;
  const int before = sim.connects;
  for (int i = 0; i < 1000; ++i) {
    sim.dataHeard = sim.now();
    sim.acceptQueueFull = i > 100;
    sim.runFor(milliseconds(5));
  }
  CHECK(sim.connects - before <= 2);
  CHECK(sim.transitions().size() == 1);
  sim.runFor(milliseconds(9'900));
  CHECK(sim.verdict() == Verdict::kAlive);
  REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kStalled; }, milliseconds(200)));
}

TEST_CASE("accept queue: full when an HTTP/2 peer's probe connection ends") {
  for (const bool cut : {false, true}) {
    SimulatedPeer sim;
    sim.runFor(seconds(1));
    sim.acceptQueueFull = true;
    sim.closeConnection();
    sim.runFor(seconds(60));
    CHECK(sim.verdict() == Verdict::kStalled);
    CHECK(sim.count(Verdict::kDead) == 0);
    CHECK(sim.count(Verdict::kStalled) == 1);
    CHECK(sim.count(Verdict::kSuspect) <= 1);
    CHECK(sim.confirmBursts <= 1);
    CHECK(sim.hostChecks <= 1250);
    if (cut) {
      sim.powered = false;
      CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, bound({})));
      continue;
    }
    sim.acceptQueueFull = false;
    CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, milliseconds(40)));
    CHECK(sim.circuit() == CircuitState::kClosed);
  }
}

TEST_CASE("accept queue: a port that went silent in every way is dead, though the host answers on another") {
  // As a firewall rule that drops the port does: the established connection's ACKs end too.
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  sim.acceptQueueFull = true;
  sim.forgetConnection();
  const TimePoint blocked = sim.now();
  REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(1)));
  CHECK(sim.now() - blocked <= milliseconds(66));
  CHECK(sim.hostChecks == 0);
  sim.acceptQueueFull = false;
  CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, milliseconds(60)));
}

TEST_CASE("accept queue: full while an HTTP/2 peer's process is stopped: the connection's ACKs suffice") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  sim.running = false;
  sim.acceptQueueFull = true;
  sim.runFor(seconds(20));
  CHECK(sim.verdict() == Verdict::kStalled);
  CHECK(sim.count(Verdict::kDead) == 0);
  CHECK(sim.confirmBursts <= 2);
}

TEST_CASE("accept queue: full on the slow-PING rung: each PING needs a new connection, so it is as on L4") {
  SimulatedPeer sim;
  sim.polices = true;
  sim.runFor(seconds(3));
  REQUIRE(sim.health().mode() == ProbeMode::kSlowPing);
  sim.acceptQueueFull = true;
  sim.runFor(seconds(60));
  CHECK(sim.count(Verdict::kDead) == 0);
  CHECK(sim.verdict() == Verdict::kStalled);
  CHECK(sim.count(Verdict::kSuspect) <= 2);
  CHECK(sim.confirmBursts <= 2);
  CHECK(sim.opens <= 70);  // no faster than kSlowRetry
  sim.acceptQueueFull = false;
  CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, milliseconds(1100)));
  const size_t before = sim.transitions().size();
  sim.runFor(seconds(25));
  CHECK(sim.transitions().size() == before);
  CHECK(sim.goaways == 1);
}

TEST_CASE("accept queue: full from the start is alive by its kernel; an answer of its host ends no outage") {
  SimulatedPeer sim;
  sim.acceptQueueFull = true;
  SUBCASE("from the start") {
    sim.runFor(seconds(60));
    CHECK(sim.count(Verdict::kDead) == 0);
    CHECK(sim.verdict() == Verdict::kStalled);
    CHECK(sim.circuit() == CircuitState::kOpen);
  }
  SUBCASE("after an outage") {
    sim.powered = false;
    sim.runFor(seconds(1));
    REQUIRE(sim.verdict() == Verdict::kDead);
    sim.powered = true;
    sim.runFor(seconds(5));
    sim.inject(ConnectResult{ConnectPurpose::kHostCheck, ECONNREFUSED, milliseconds(1)});  // a late one
    CHECK(sim.verdict() == Verdict::kDead);
  }
  sim.acceptQueueFull = false;
  CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, milliseconds(40)));
  CHECK(sim.circuit() == CircuitState::kClosed);
}

TEST_CASE("accept queue: only the peer's own port can refuse") {
  L4 sim;
  sim.inject(ConnectResult{ConnectPurpose::kHostCheck, ECONNREFUSED, milliseconds(1)});
  CHECK(sim.verdict() == Verdict::kAlive);
  sim.acceptQueueFull = true;
  sim.runFor(seconds(1));
  sim.kill();  // the process ends, and its queue with it
  CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kRefusing; }, milliseconds(21)));
  CHECK(sim.transitions().back().evidence.error == ECONNREFUSED);
}

}  // namespace
}  // namespace peerpulse::health
