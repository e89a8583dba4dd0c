// Goal: a program outside hears of states that last, each once, and of no mere suspicion.
#include "transition_hook.h"

#include <vector>

#include <doctest/doctest.h>

namespace peerpulse::server {
namespace {

using health::CircuitState;
using health::Verdict;

struct Fixture {
  std::vector<health::Transition> told;
  TransitionHook hook{[this](const health::Transition& t, WallTime) { told.push_back(t); }};
  std::vector<health::CircuitWord> words = std::vector<health::CircuitWord>(2);

  void become(uint32_t peer, Verdict verdict, CircuitState circuit = CircuitState::kClosed, bool overridden = false) {
    health::Transition t;
    t.peer = PeerId{peer};
    t.from = words[peer];
    t.to.verdict = verdict;
    t.to.circuit = circuit;
    t.to.overridden = overridden;
    words[peer] = t.to;
    hook.onTransition(t, WallTime());
  }
};

TEST_CASE("transition_hook: the start, a death, the return: once each, chained") {
  Fixture f;
  f.become(0, Verdict::kAlive);
  f.become(0, Verdict::kSuspect);
  f.become(0, Verdict::kDead, CircuitState::kOpen);
  f.become(0, Verdict::kAlive, CircuitState::kOpen);  // not trusted yet
  f.become(0, Verdict::kAlive);
  REQUIRE(f.told.size() == 4);
  CHECK((f.told[0].from.verdict == Verdict::kUnknown));
  CHECK((f.told[1].from.verdict == Verdict::kAlive));
  CHECK((f.told[1].to.verdict == Verdict::kDead));
  CHECK((f.told[2].to.circuit == CircuitState::kOpen));
  CHECK((f.told[3].from.circuit == CircuitState::kOpen));
  CHECK((f.told[3].to.circuit == CircuitState::kClosed));
}

TEST_CASE("transition_hook: suspicions that come to nothing are not told, whatever was before them") {
  Fixture f;
  f.become(0, Verdict::kAlive);
  f.become(0, Verdict::kStalled);
  for (int i = 0; i < 10; ++i) {
    f.become(0, Verdict::kSuspect);
    f.become(0, Verdict::kStalled);
  }
  CHECK(f.told.size() == 2);
}

TEST_CASE("transition_hook: an operator's word is told, and peers are apart") {
  Fixture f;
  f.become(0, Verdict::kAlive);
  f.become(1, Verdict::kAlive);
  f.become(1, Verdict::kAlive, CircuitState::kClosed, true);
  REQUIRE(f.told.size() == 3);
  CHECK(f.told[2].peer == PeerId{1});
  CHECK(f.told[2].to.overridden);
}

}  // namespace
}  // namespace peerpulse::server
