// Goal: the pool's column of design section 3's table, row by row, for every circuit state, with and without a prober.
#include "pool_policy.h"

#include <string>

#include <doctest/doctest.h>

using namespace peerpulse::upstream;
using peerpulse::health::CircuitState;
using peerpulse::health::CircuitWord;
using peerpulse::health::Verdict;

namespace {

constexpr Verdict kVerdicts[] = {Verdict::kUnknown, Verdict::kAlive,    Verdict::kSuspect,
                                 Verdict::kDead,    Verdict::kRefusing, Verdict::kStalled};
constexpr CircuitState kCircuits[] = {CircuitState::kClosed, CircuitState::kOpen, CircuitState::kHalfOpen};

std::string policyOf(Verdict verdict, CircuitState circuit, bool overridden, bool proberStalled) {
  CircuitWord word;
  word.verdict = verdict;
  word.circuit = circuit;
  word.overridden = overridden;
  const PoolPolicy policy = poolPolicy(word, proberStalled);
  return std::string(policy.wait ? "wait " : "") + (policy.reuse ? "reuse " : "") + (policy.connect ? "connect" : "");
}

const std::string kAll = "wait reuse connect";

}  // namespace

TEST_CASE("pool policy: with a circuit that lets requests through, the verdict decides") {
  for (const CircuitState circuit : {CircuitState::kClosed, CircuitState::kHalfOpen}) {
    CAPTURE(peerpulse::health::toString(circuit));
    CHECK(policyOf(Verdict::kUnknown, circuit, false, false) == kAll);
    CHECK(policyOf(Verdict::kAlive, circuit, false, false) == kAll);
    CHECK(policyOf(Verdict::kSuspect, circuit, false, false) == "wait connect");
    CHECK(policyOf(Verdict::kStalled, circuit, false, false) == "wait reuse ");
    // Transient: the word that opens the circuit is on its way.
    CHECK(policyOf(Verdict::kDead, circuit, false, false) == kAll);
    CHECK(policyOf(Verdict::kRefusing, circuit, false, false) == kAll);
  }
}

TEST_CASE("pool policy: an open circuit allows nothing, whatever the verdict and whoever opened it") {
  for (const Verdict verdict : kVerdicts) {
    CAPTURE(peerpulse::health::toString(verdict));
    CHECK(policyOf(verdict, CircuitState::kOpen, false, false) == "");
    CHECK(policyOf(verdict, CircuitState::kOpen, true, false) == "");
  }
}

TEST_CASE("pool policy: from a stale word nothing is concluded, but an operator's stands") {
  for (const Verdict verdict : kVerdicts) {
    for (const CircuitState circuit : kCircuits) {
      CAPTURE(peerpulse::health::toString(verdict));
      CAPTURE(peerpulse::health::toString(circuit));
      CHECK(policyOf(verdict, circuit, false, true) == kAll);
      CHECK(policyOf(verdict, circuit, true, true) == (circuit == CircuitState::kOpen ? "" : kAll));
    }
  }
}

TEST_CASE("pool policy: closed by an operator, the verdict does not count") {
  for (const Verdict verdict : kVerdicts)
    CHECK(policyOf(verdict, CircuitState::kClosed, true, false) == kAll);
}
