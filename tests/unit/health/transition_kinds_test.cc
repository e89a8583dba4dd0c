#include "peerpulse/health/transition_kinds.h"

#include <set>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "peerpulse/health/circuit.h"
#include "seeded_random.h"

using namespace peerpulse;
using namespace peerpulse::health;

namespace {

using Kinds = std::set<std::pair<std::string, std::string>>;

/// What random verdicts, outcomes, orders and times make of one circuit.
void wander(uint64_t seed, Kinds& seen) {
  test::Random random(seed);
  ProbeOptions options = ProbeOptions::lan();
  options.failureThreshold = 2;
  options.openFor = milliseconds(500);
  Circuit circuit(options);
  TimePoint now(seconds(100));
  CircuitWord word;
  constexpr Verdict kVerdicts[] = {Verdict::kAlive, Verdict::kSuspect, Verdict::kDead, Verdict::kRefusing,
                                   Verdict::kStalled};
  for (int step = 0; step < 400; ++step) {
    now += milliseconds(random.below(400));
    CircuitWord next = word;
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2:
        next.verdict = kVerdicts[random.below(std::size(kVerdicts))];
        circuit.onVerdict(next.verdict, random.below(2) == 0, now);
        break;
      case 3: {
        const auto kind = static_cast<CircuitOverride::Kind>(random.below(3));
        circuit.onOverride({kind, milliseconds(random.below(2) * 300)}, now);
        break;
      }
      case 4: circuit.onOutcome({PeerId{0}, Outcome::kSuccess, word.generation, now}, now); break;
      case 5:
        circuit.onVerdict(next.verdict, true, now);  // a stall goes on
        break;
      default: circuit.onOutcome({PeerId{0}, Outcome::kReset, word.generation, now}, now); break;
    }
    circuit.tick(now);
    next.circuit = circuit.state();
    next.reason = circuit.reason();
    if (next.verdict == word.verdict && next.circuit == word.circuit && next.reason == word.reason) continue;
    ++next.generation;
    circuit.published(next.generation);
    const TransitionKind kind = kindOf(word, next);
    seen.emplace(kind.to, toString(kind.reason));
    word = next;
  }
}

}  // namespace

TEST_CASE("transition kinds: what can happen is listed, what is listed can happen" * doctest::test_suite("long")) {
  Kinds seen, listed;
  for (uint64_t seed = 1; seed <= 3000; ++seed)
    wander(seed, seen);
  for (const TransitionKind& kind : kTransitionKinds)
    CHECK_MESSAGE(listed.emplace(kind.to, toString(kind.reason)).second, kind.to << " " << toString(kind.reason));
  for (const auto& kind : seen)
    CHECK_MESSAGE(listed.count(kind) == 1, kind.first << " " << kind.second << " is not listed");
  for (const auto& kind : listed)
    CHECK_MESSAGE(seen.count(kind) == 1, kind.first << " " << kind.second << " cannot happen");
}
