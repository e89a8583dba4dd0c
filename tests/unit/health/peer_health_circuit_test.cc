// Goal: what outcomes of exchanges and the operator do to a peer's published word.
#include <doctest/doctest.h>

#include "peerpulse/health/peer_health.h"
#include "peerpulse/health/trial_permits.h"
#include "simulated_peer.h"

namespace peerpulse::health {
namespace {

TEST_CASE("peer_health: outcomes and overrides publish at once; the verdict goes its own way") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  for (int i = 0; i < 3; ++i) {
    sim.inject(OutcomeRecord{PeerId{0}, Outcome::kConnectFailure, sim.health().word().generation, sim.now()});
  }
  CHECK(sim.circuit() == CircuitState::kOpen);
  CHECK(sim.transitions().back().evidence.consecutiveFailures == 3);
  CHECK(sim.verdict() == Verdict::kAlive);
  sim.runFor(milliseconds(29'999));
  CHECK(sim.circuit() == CircuitState::kOpen);
  sim.runFor(milliseconds(1));
  CHECK(sim.circuit() == CircuitState::kHalfOpen);
  sim.inject(CircuitOverride{CircuitOverride::Kind::kOpen, milliseconds(100)});
  CHECK(sim.circuit() == CircuitState::kOpen);
  CHECK(sim.health().word().overridden);
  sim.runFor(milliseconds(100));
  CHECK(sim.circuit() == CircuitState::kClosed);
  CHECK_FALSE(sim.health().word().overridden);
}

TEST_CASE("peer_health: a trial whose outcome got lost blocks the next one for open_for, not for ever") {
  SimulatedPeer sim;
  TrialPermits permits(1);
  sim.runFor(seconds(1));
  for (int i = 0; i < 3; ++i) {
    sim.inject(OutcomeRecord{PeerId{0}, Outcome::kConnectFailure, sim.health().word().generation, sim.now()});
  }
  REQUIRE(sim.runUntil([&] { return sim.circuit() == CircuitState::kHalfOpen; }, seconds(31)));
  const size_t reports = sim.transitions().size();
  for (int i = 0; i < 3; ++i) {
    const CircuitWord word = sim.health().word();
    const int publishes = sim.publishes;
    CHECK(permits.take(PeerId{0}, word.generation));
    CHECK_FALSE(permits.take(PeerId{0}, word.generation));
    sim.runFor(milliseconds(29'999));
    CHECK(sim.health().word().generation == word.generation);
    sim.runFor(milliseconds(1));
    CHECK(sim.health().word().generation == static_cast<uint16_t>(word.generation + 1));
    CHECK(sim.health().word().sinceMillis == word.sinceMillis);
    CHECK(sim.publishes == publishes + 1);
  }
  CHECK(sim.transitions().size() == reports);  // nothing changed that anybody need hear of
  CHECK(permits.take(PeerId{0}, sim.health().word().generation));
  sim.inject(OutcomeRecord{PeerId{0}, Outcome::kSuccess, sim.health().word().generation, sim.now()});
  CHECK(sim.circuit() == CircuitState::kClosed);
}

}  // namespace
}  // namespace peerpulse::health
