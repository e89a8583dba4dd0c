// Goal: the score and the warning of a whole PeerHealth against a simulated peer, on virtual time: a peer that
// gets worse step by step is warned of before it dies; pauses, lost packets, power cuts and start-ups are not.
#include <doctest/doctest.h>

#include "peerpulse/health/peer_health.h"
#include "simulated_peer.h"

namespace peerpulse::health {
namespace {

/// Once per second `change(second)` for `count` seconds.
template <typename Change>
void everySecond(SimulatedPeer& sim, int count, Change change) {
  for (int i = 0; i < count; ++i) {
    change(i);
    sim.runFor(seconds(1));
  }
}

TEST_CASE("peer_health score: one on any path, zero in an outage, and back") {
  for (const Duration oneWay : {Duration(microseconds(100)), Duration(milliseconds(25))}) {
    SimulatedPeer sim;
    CHECK(sim.health().score().value() == 0);
    sim.oneWay = oneWay;
    sim.runFor(seconds(60));
    CHECK(sim.health().score().value() == doctest::Approx(1).epsilon(0.01));
    sim.powered = false;
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(2)));
    CHECK(sim.health().score().value() == 0);
    sim.runFor(seconds(60));
    sim.powered = true;
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, seconds(2)));
    CHECK(sim.health().score().value() < 0.2);
    sim.runFor(seconds(60));
    CHECK(sim.health().score().value() > 0.9);
    CHECK(sim.warnings.empty());
  }
}

TEST_CASE("peer_health score: answers that come later and later are warned of before the death, by name") {
  for (const double growth : {1.2, 1.4, 1.7}) {
    SimulatedPeer sim;
    sim.runFor(seconds(30));
    double millis = 1;
    everySecond(sim, 30, [&](int) {
      if (millis < 500) millis *= growth;
      sim.oneWay = microseconds(static_cast<int64_t>(millis * 1000));
    });
    CHECK(sim.count(Verdict::kDead) == 0);
    REQUIRE(sim.warnings.size() == 1);
    const Decline& decline = sim.warnings[0].decline;
    CHECK(decline.factor == ScoreFactor::kRtt);
    CHECK(decline.from.value() > decline.to.value());
    CHECK(decline.to.rtt > 4 * decline.to.baseline);
    sim.powered = false;
    sim.runFor(seconds(5));
    CHECK(sim.verdict() == Verdict::kDead);
    CHECK(sim.warnings.size() == 1);
  }
}

TEST_CASE("peer_health score: pauses that grow are warned of") {
  SimulatedPeer sim;
  sim.runFor(seconds(30));
  everySecond(sim, 30, [&](int i) {
    sim.running = false;
    sim.runFor(milliseconds(100 * i));
    sim.resume();
  });
  CHECK(sim.count(Verdict::kDead) == 0);
  REQUIRE(sim.warnings.size() == 1);
  CHECK(sim.warnings[0].decline.factor == ScoreFactor::kAnswers);
}

TEST_CASE("peer_health score: exchanges that fail more and more are warned of") {
  ProbeOptions options;
  options.failureThreshold = 0;
  SimulatedPeer sim(options);
  sim.runFor(seconds(20));
  everySecond(sim, 60, [&](int i) {
    for (int k = 0; k < 20; ++k) {
      const bool failed = k < i / 2;
      sim.inject(OutcomeRecord{PeerId{0}, failed ? Outcome::kTimeout : Outcome::kSuccess, 1, sim.now()});
    }
  });
  REQUIRE(sim.warnings.size() == 1);
  CHECK(sim.warnings[0].decline.factor == ScoreFactor::kExchanges);
  CHECK(sim.warnings[0].decline.to.failures > 0.3);
}

TEST_CASE("peer_health score: server errors are the store's business unless they are configured to count") {
  for (const bool count : {false, true}) {
    ProbeOptions options;
    options.failureThreshold = 0;
    options.countServerErrors = count;
    SimulatedPeer sim(options);
    sim.runFor(seconds(5));
    for (int i = 0; i < 100; ++i)
      sim.inject(OutcomeRecord{PeerId{0}, Outcome::kServerError, 1, sim.now()});
    sim.runFor(seconds(2));
    CHECK((sim.health().score().value() < 0.2) == count);
  }
}

TEST_CASE("peer_health score: no warning of power cuts, from any phase" * doctest::test_suite("long")) {
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    SimulatedPeer sim({}, seed);
    sim.runFor(seconds(20) + milliseconds(10) * seed);
    sim.powered = false;
    sim.runFor(seconds(20));
    sim.powered = true;
    sim.runFor(seconds(30));
    CHECK(sim.verdict() == Verdict::kAlive);
    CHECK(sim.warnings.empty());
  }
}

TEST_CASE("peer_health score: no warning of one pause, however long") {
  for (const int millis : {50, 300, 1000, 3000, 6000, 9000, 15'000, 40'000}) {
    SimulatedPeer sim;
    sim.runFor(seconds(30));
    sim.running = false;
    sim.runFor(milliseconds(millis));
    sim.resume();
    sim.runFor(seconds(30));
    CAPTURE(millis);
    CHECK(sim.count(Verdict::kDead) == 0);
    CHECK(sim.warnings.empty());
  }
}

TEST_CASE("peer_health score: no warning of regular pauses, nor of pauses of our own") {
  SimulatedPeer sim;
  everySecond(sim, 300, [&](int i) {
    if (i % 2 != 0) return;
    sim.running = false;
    sim.runFor(milliseconds(300));
    sim.resume();
  });
  CHECK(sim.warnings.empty());
  CHECK(sim.health().score().value() > 0.6);

  SimulatedPeer paused;
  everySecond(paused, 300, [&](int i) {
    if (i % 2 != 0) return;
    paused.proberRunning = false;
    paused.runFor(milliseconds(300));
    paused.resumeProber();
  });
  CHECK(paused.warnings.empty());
  CHECK(paused.health().score().value() > 0.7);
}

TEST_CASE("peer_health score: no warning at start-up, under steady loss, nor of a route that changes once" *
          doctest::test_suite("long")) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    for (const unsigned loss : {0u, 1u, 5u}) {
      SimulatedPeer sim({}, seed);
      sim.lossPercent = loss;
      sim.runFor(seconds(60));
      CAPTURE(loss);
      CHECK(sim.warnings.empty());
      CHECK(sim.health().score().value() > 0.3);
    }
    SimulatedPeer sim({}, seed);
    sim.runFor(seconds(20) + milliseconds(50) * seed);
    sim.oneWay = milliseconds(20);
    sim.runFor(seconds(60));
    CHECK(sim.warnings.empty());
  }
}

}  // namespace
}  // namespace peerpulse::health
