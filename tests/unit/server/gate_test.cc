// Goal: gateFor() for every combination of what it depends on.
#include "gate.h"

#include <string>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::server;
using health::CircuitState;
using health::CircuitWord;
using health::Verdict;
using proxy::OnDead;

namespace {

constexpr Verdict kVerdicts[] = {Verdict::kUnknown, Verdict::kAlive,    Verdict::kSuspect,
                                 Verdict::kDead,    Verdict::kRefusing, Verdict::kStalled};

/// One letter (o: open, r: refusing) for each of: beats; beats, overridden; stalled; stalled, overridden.
std::string gates(CircuitWord word, bool draining, OnDead onDead) {
  std::string letters;
  for (const bool stalled : {false, true}) {
    for (const bool overridden : {false, true}) {
      word.overridden = overridden;
      letters += gateFor(word, stalled, draining, onDead) == Gate::kOpen ? 'o' : 'r';
    }
  }
  return letters;
}

struct Row {
  OnDead onDead;
  CircuitState circuit;
  const char* expected;
};

constexpr Row kRows[] = {
    {OnDead::kRespond, CircuitState::kClosed, "oooo"},   {OnDead::kRespond, CircuitState::kOpen, "oooo"},
    {OnDead::kRespond, CircuitState::kHalfOpen, "oooo"}, {OnDead::kRefuse, CircuitState::kClosed, "oooo"},
    {OnDead::kRefuse, CircuitState::kOpen, "rror"},      {OnDead::kRefuse, CircuitState::kHalfOpen, "oooo"},
};

}  // namespace

TEST_CASE("gate: every combination, whatever the verdict") {
  for (const Row& row : kRows) {
    for (const Verdict verdict : kVerdicts) {
      CircuitWord word;
      word.circuit = row.circuit;
      word.verdict = verdict;
      CAPTURE(proxy::toString(row.onDead));
      CAPTURE(health::toString(row.circuit));
      CAPTURE(health::toString(verdict));
      CHECK(gates(word, /*draining=*/false, row.onDead) == row.expected);
      CHECK(gates(word, /*draining=*/true, row.onDead) == "rrrr");
    }
  }
}
