// Goal: the table of design section 3, row by row.
#include "admission.h"

#include <doctest/doctest.h>

using namespace peerpulse::upstream;
using peerpulse::health::CircuitState;
using peerpulse::health::CircuitWord;
using peerpulse::health::Reason;
using peerpulse::health::Verdict;

namespace {
CircuitWord word(Verdict verdict, CircuitState circuit, bool overridden = false) {
  CircuitWord w;
  w.verdict = verdict;
  w.circuit = circuit;
  w.overridden = overridden;
  return w;
}
}  // namespace

TEST_CASE("admission: verdict and circuit decide") {
  struct Row {
    Verdict verdict;
    CircuitState circuit;
    Admission expected;
  };
  const Row rows[] = {
      {Verdict::kUnknown, CircuitState::kClosed, Admission::kHold},
      {Verdict::kAlive, CircuitState::kClosed, Admission::kFlow},
      {Verdict::kSuspect, CircuitState::kClosed, Admission::kHold},
      {Verdict::kStalled, CircuitState::kClosed, Admission::kFlow},
      {Verdict::kDead, CircuitState::kOpen, Admission::kFail},
      {Verdict::kRefusing, CircuitState::kOpen, Admission::kFail},
      {Verdict::kStalled, CircuitState::kOpen, Admission::kFail},
      {Verdict::kAlive, CircuitState::kOpen, Admission::kFail},  // opened by requests: PINGs do not close it
      {Verdict::kAlive, CircuitState::kHalfOpen, Admission::kTrial},
  };
  for (const Row& row : rows) {
    CAPTURE(peerpulse::health::toString(row.verdict));
    CHECK(admit(word(row.verdict, row.circuit), false) == row.expected);
  }
}

TEST_CASE("admission: a stopped prober opens nothing, but an operator's word stands") {
  CHECK(admit(word(Verdict::kDead, CircuitState::kOpen), true) == Admission::kFailOpen);
  CHECK(admit(word(Verdict::kSuspect, CircuitState::kClosed), true) == Admission::kFlow);
  CHECK(admit(word(Verdict::kAlive, CircuitState::kOpen, true), true) == Admission::kFail);
  CHECK(admit(word(Verdict::kSuspect, CircuitState::kClosed, true), false) == Admission::kFlow);
}

TEST_CASE("admission: a half-open circuit without a prober does not wait for trials") {
  for (const Verdict verdict : {Verdict::kAlive, Verdict::kSuspect, Verdict::kStalled}) {
    CHECK(admit(word(verdict, CircuitState::kHalfOpen), true) == Admission::kFailOpen);
    CHECK(admit(word(verdict, CircuitState::kHalfOpen), false) == Admission::kTrial);
  }
}

TEST_CASE("admission: a closed circuit holds nobody without a prober") {
  for (const Verdict verdict : {Verdict::kUnknown, Verdict::kAlive, Verdict::kSuspect, Verdict::kDead,
                                Verdict::kRefusing, Verdict::kStalled}) {
    CHECK(admit(word(verdict, CircuitState::kClosed), true) == Admission::kFlow);
  }
}

TEST_CASE("admission: a refusing peer is a refused connection, the others are unavailable") {
  for (const Verdict verdict : {Verdict::kDead, Verdict::kStalled, Verdict::kAlive})
    CHECK(refusalFor(word(verdict, CircuitState::kOpen)).type == ErrorType::kDestinationUnavailable);
  CHECK(refusalFor(word(Verdict::kRefusing, CircuitState::kOpen)).type == ErrorType::kConnectionRefused);
}

TEST_CASE("admission: a refusal is our own doing, and says all that is known") {
  CircuitWord dead = word(Verdict::kDead, CircuitState::kOpen);
  dead.reason = Reason::kProbeSilence;
  const Failure refusal = refusalFor(dead);
  CHECK(refusal.detail == "circuit open: verdict dead, reason probe_silence");
  CHECK(refusal.party == Party::kSelf);
  CHECK(refusal.byCircuit);
  CHECK_FALSE(refusal.timedOut);
}
