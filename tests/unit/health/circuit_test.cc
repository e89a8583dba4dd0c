// Goal: the three gates of the circuit and how they compose.
#include "peerpulse/health/circuit.h"

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

struct Fixture {
  ProbeOptions options;
  Circuit circuit{options};
  TimePoint now = TimePoint() + seconds(100);

  void outcome(Outcome outcome, uint16_t generation = 0) {
    circuit.onOutcome({PeerId{0}, outcome, generation, now}, now);
  }
  void fail(int times) {
    for (int i = 0; i < times; ++i)
      outcome(Outcome::kReset);
  }
  void verdict(Verdict v, bool tooLong = false) { circuit.onVerdict(v, tooLong, now); }
  void pass(Duration d) {
    now += d;
    circuit.tick(now);
  }
  bool is(CircuitState state, Reason reason) const { return circuit.state() == state && circuit.reason() == reason; }
};

TEST_CASE_FIXTURE(Fixture, "circuit: probes open and close what probes opened") {
  CHECK(is(CircuitState::kClosed, Reason::kStartup));
  verdict(Verdict::kAlive);
  CHECK(is(CircuitState::kClosed, Reason::kProbeAck));
  verdict(Verdict::kSuspect);
  CHECK(is(CircuitState::kClosed, Reason::kProbeSilence));
  verdict(Verdict::kDead);
  CHECK(is(CircuitState::kOpen, Reason::kProbeSilence));
  verdict(Verdict::kRefusing);
  CHECK(is(CircuitState::kOpen, Reason::kConnectRefused));
  verdict(Verdict::kAlive);
  CHECK(is(CircuitState::kClosed, Reason::kProbeAck));
}

TEST_CASE_FIXTURE(
    Fixture, "circuit: a state that lasts for many generations counts the newest outcomes, not those before it") {
  verdict(Verdict::kAlive);
  circuit.published(1);
  uint16_t generation = 1;
  for (int i = 0; i < 200'000; ++i) {
    circuit.follow(++generation);
    if (i % 1000 != 0) continue;
    for (uint32_t n = 0; n < options.failureThreshold; ++n)
      outcome(Outcome::kReset, generation);
    REQUIRE(circuit.state() == CircuitState::kOpen);
    pass(options.openFor);
    outcome(Outcome::kSuccess, generation);
    REQUIRE(circuit.state() == CircuitState::kClosed);
    circuit.published(++generation);
    outcome(Outcome::kReset, static_cast<uint16_t>(generation - 1));
  }
}

TEST_CASE_FIXTURE(Fixture, "circuit: stalled opens only when it lasts, and a suspicion does not close it") {
  verdict(Verdict::kStalled);
  CHECK(is(CircuitState::kClosed, Reason::kProcessStalled));
  verdict(Verdict::kStalled, true);
  CHECK(is(CircuitState::kOpen, Reason::kProcessStalled));
  verdict(Verdict::kSuspect);
  CHECK(is(CircuitState::kOpen, Reason::kProcessStalled));
  verdict(Verdict::kAlive);
  CHECK(is(CircuitState::kClosed, Reason::kProbeAck));
}

TEST_CASE_FIXTURE(Fixture, "circuit: a third outage within 10 s is not trusted to be over at once") {
  verdict(Verdict::kAlive);
  const Duration waits[] = {Duration::zero(),  Duration::zero(), milliseconds(250),
                            milliseconds(500), seconds(1),       seconds(1)};
  for (const Duration wait : waits) {
    pass(milliseconds(100));
    verdict(Verdict::kDead);
    CHECK(is(CircuitState::kOpen, Reason::kProbeSilence));
    pass(milliseconds(100));
    verdict(Verdict::kAlive);
    if (wait > Duration::zero()) {
      CHECK(is(CircuitState::kOpen, Reason::kFlapping));
      CHECK(circuit.nextDeadline() == now + wait);
      pass(wait - milliseconds(1));
      verdict(Verdict::kAlive);
      CHECK(circuit.state() == CircuitState::kOpen);
      pass(milliseconds(1));
      verdict(Verdict::kAlive);
    }
    CHECK(is(CircuitState::kClosed, Reason::kProbeAck));
    CHECK(circuit.nextDeadline() == TimePoint::max());
  }
  pass(seconds(11));
  verdict(Verdict::kDead);
  verdict(Verdict::kAlive);
  CHECK(circuit.state() == CircuitState::kClosed);  // that was long ago
}

TEST_CASE_FIXTURE(Fixture, "circuit: out again while damped counts, suspect while damped waits, a stall is no flap") {
  for (int i = 0; i < 3; ++i) {
    verdict(Verdict::kDead);
    verdict(i % 2 == 0 ? Verdict::kRefusing : Verdict::kDead);  // one outage
    verdict(Verdict::kAlive);
  }
  CHECK(is(CircuitState::kOpen, Reason::kFlapping));
  verdict(Verdict::kSuspect);
  CHECK(circuit.nextDeadline() == TimePoint::max());
  pass(milliseconds(300));
  CHECK(circuit.state() == CircuitState::kOpen);
  verdict(Verdict::kDead);
  CHECK(is(CircuitState::kOpen, Reason::kProbeSilence));
  verdict(Verdict::kAlive);
  CHECK(circuit.nextDeadline() == now + milliseconds(500));
  pass(milliseconds(500));
  verdict(Verdict::kAlive);
  CHECK(circuit.state() == CircuitState::kClosed);
  verdict(Verdict::kStalled, true);
  verdict(Verdict::kAlive);
  CHECK(circuit.state() == CircuitState::kClosed);
}

TEST_CASE_FIXTURE(Fixture, "circuit: consecutive failures open it, probes do not close it, one trial decides") {
  verdict(Verdict::kAlive);
  fail(2);
  outcome(Outcome::kSuccess);
  fail(2);
  CHECK(circuit.state() == CircuitState::kClosed);
  fail(1);
  CHECK(is(CircuitState::kOpen, Reason::kRequestFailures));
  circuit.published(7);
  verdict(Verdict::kSuspect);
  verdict(Verdict::kAlive);
  CHECK(is(CircuitState::kOpen, Reason::kRequestFailures));
  CHECK(circuit.nextDeadline() == now + seconds(30));
  pass(milliseconds(29'999));
  CHECK(circuit.state() == CircuitState::kOpen);
  pass(milliseconds(1));
  CHECK(is(CircuitState::kHalfOpen, Reason::kRequestFailures));
  circuit.published(8);
  outcome(Outcome::kSuccess, 7);  // admitted before: no trial
  CHECK(circuit.state() == CircuitState::kHalfOpen);
  outcome(Outcome::kConnectFailure, 8);
  CHECK(circuit.state() == CircuitState::kOpen);
  circuit.published(9);
  pass(seconds(30));
  circuit.published(10);
  outcome(Outcome::kSuccess, 10);
  CHECK(is(CircuitState::kClosed, Reason::kProbeAck));
}

TEST_CASE_FIXTURE(Fixture, "circuit: a trial that times out has failed, even where timeouts do not count") {
  fail(3);
  pass(seconds(30));
  REQUIRE(circuit.state() == CircuitState::kHalfOpen);
  outcome(Outcome::kTimeout);
  CHECK(circuit.state() == CircuitState::kOpen);
  CHECK(circuit.nextDeadline() == now + seconds(30));
}

TEST_CASE_FIXTURE(Fixture, "circuit: late outcomes of an older circuit are discarded across the wrap") {
  circuit.published(2);
  for (int i = 0; i < 5; ++i)
    outcome(Outcome::kReset, 65'535);
  CHECK(circuit.state() == CircuitState::kClosed);
  for (int i = 0; i < 3; ++i)
    outcome(Outcome::kReset, 3);
  CHECK(circuit.state() == CircuitState::kOpen);
}

TEST_CASE_FIXTURE(Fixture, "circuit: failures that an outage explains do not outlive it") {
  verdict(Verdict::kAlive);
  fail(3);
  CHECK(is(CircuitState::kOpen, Reason::kRequestFailures));
  pass(milliseconds(65));
  verdict(Verdict::kDead);
  CHECK(is(CircuitState::kOpen, Reason::kProbeSilence));
  verdict(Verdict::kAlive);
  CHECK(is(CircuitState::kClosed, Reason::kProbeAck));
}

TEST_CASE_FIXTURE(Fixture, "circuit: requests' own circuit shows again after an outage") {
  verdict(Verdict::kAlive);
  fail(3);
  pass(seconds(10));
  verdict(Verdict::kDead);
  CHECK(is(CircuitState::kOpen, Reason::kProbeSilence));
  pass(seconds(5));
  verdict(Verdict::kAlive);
  CHECK(is(CircuitState::kOpen, Reason::kRequestFailures));
  pass(seconds(15));
  CHECK(circuit.state() == CircuitState::kHalfOpen);
}

TEST_CASE_FIXTURE(Fixture, "circuit: half-open for open_for without an outcome allows another trial") {
  fail(3);
  pass(seconds(30));
  REQUIRE(circuit.state() == CircuitState::kHalfOpen);
  circuit.published(8);
  CHECK(circuit.renewals() == 0);
  CHECK(circuit.nextDeadline() == now + seconds(30));
  pass(milliseconds(29'999));
  CHECK(circuit.renewals() == 0);
  pass(milliseconds(1));
  CHECK(circuit.renewals() == 1);
  CHECK(circuit.state() == CircuitState::kHalfOpen);
  CHECK(circuit.nextDeadline() == now + seconds(30));
  outcome(Outcome::kSuccess, 8);  // the first trial was only slow
  CHECK(circuit.state() == CircuitState::kClosed);
  CHECK(circuit.nextDeadline() == TimePoint::max());
}

TEST_CASE("circuit: however short open_for is, a trial has a second") {
  Fixture f;
  f.options.openFor = milliseconds(1);
  f.circuit = Circuit(f.options);
  f.fail(3);
  f.pass(milliseconds(1));
  REQUIRE(f.circuit.state() == CircuitState::kHalfOpen);
  f.pass(milliseconds(999));
  CHECK(f.circuit.renewals() == 0);
  f.pass(milliseconds(1));
  CHECK(f.circuit.renewals() == 1);
}

TEST_CASE("circuit: what counts as failure") {
  const struct {
    Outcome outcome;
    bool countTimeouts, countServerErrors;
    bool opens;
  } rows[] = {
      {Outcome::kSuccess, true, true, false},     {Outcome::kConnectFailure, false, false, true},
      {Outcome::kReset, false, false, true},      {Outcome::kTimeout, false, false, false},
      {Outcome::kTimeout, true, false, true},     {Outcome::kServerError, false, false, false},
      {Outcome::kServerError, false, true, true},
  };
  for (const auto& row : rows) {
    Fixture f;
    f.options.countTimeouts = row.countTimeouts;
    f.options.countServerErrors = row.countServerErrors;
    f.circuit = Circuit(f.options);
    for (int i = 0; i < 3; ++i)
      f.outcome(row.outcome);
    CHECK((f.circuit.state() == CircuitState::kOpen) == row.opens);
  }
  Fixture off;
  off.options.failureThreshold = 0;
  off.circuit = Circuit(off.options);
  off.fail(100);
  CHECK(off.circuit.state() == CircuitState::kClosed);
}

TEST_CASE_FIXTURE(Fixture, "circuit: the operator's word counts until lifted or its time is over") {
  verdict(Verdict::kAlive);
  circuit.onOverride({CircuitOverride::Kind::kOpen, seconds(10)}, now);
  CHECK(is(CircuitState::kOpen, Reason::kOperator));
  CHECK(circuit.overridden());
  verdict(Verdict::kDead);
  CHECK(is(CircuitState::kOpen, Reason::kOperator));
  circuit.onOverride({CircuitOverride::Kind::kClosed, Duration::zero()}, now);
  CHECK(is(CircuitState::kClosed, Reason::kOperator));
  fail(10);
  pass(seconds(3600));
  CHECK(is(CircuitState::kClosed, Reason::kOperator));
  circuit.onOverride({CircuitOverride::Kind::kAuto, {}}, now);
  CHECK(is(CircuitState::kOpen, Reason::kProbeSilence));
  circuit.onOverride({CircuitOverride::Kind::kClosed, seconds(10)}, now);
  pass(seconds(10));
  CHECK(is(CircuitState::kOpen, Reason::kProbeSilence));
  CHECK_FALSE(circuit.overridden());
}

}  // namespace
}  // namespace peerpulse::health
