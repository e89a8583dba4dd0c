// Goal: what matters is told at once, a flurry of verdicts becomes one line a second, and the last state is always told.
#include "transition_folder.h"

#include <doctest/doctest.h>

namespace peerpulse::server {
namespace {

using health::CircuitState;
using health::Verdict;

constexpr TimePoint kStart = TimePoint() + seconds(100);
const WallTime kWall(seconds(1'800'000'000));

health::Transition change(Verdict from, Verdict to, TimePoint at, uint32_t peer = 0) {
  health::Transition t;
  t.peer = PeerId{peer};
  t.from.verdict = from;
  t.to.verdict = to;
  t.at = at;
  return t;
}

/// alive <-> suspect every 10 ms; returns how many were told at once.
int flip(TransitionFolder& folder, int times, TimePoint& at, uint32_t peer = 0) {
  int told = 0;
  for (int i = 0; i < times; ++i, at += milliseconds(10)) {
    const bool suspect = i % 2 == 0;
    const auto t = change(suspect ? Verdict::kAlive : Verdict::kSuspect,
                          suspect ? Verdict::kSuspect : Verdict::kAlive, at, peer);
    told += folder.add(t, kWall).has_value() ? 1 : 0;
  }
  return told;
}

TEST_CASE("transition_folder: a flurry is a burst, then one line a second with its number") {
  TransitionFolder folder;
  TimePoint at = kStart;
  CHECK(flip(folder, 100, at) == TransitionFolder::kBurst);
  CHECK(folder.nextDue() == kStart + seconds(1));
  CHECK(folder.takeDue(kStart + milliseconds(999)).empty());
  const auto lines = folder.takeDue(kStart + seconds(1));
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].folded == 100 - TransitionFolder::kBurst - 1);
  CHECK((lines[0].what.from.verdict == Verdict::kSuspect));  // where the five had ended
  CHECK((lines[0].what.to.verdict == Verdict::kAlive));
  CHECK(lines[0].what.at == kStart + milliseconds(990));
  CHECK(folder.nextDue() == TimePoint::max());
  int told = 0;
  for (at = kStart + seconds(1); at < kStart + seconds(61);) {
    told += flip(folder, 2, at);
    told += static_cast<int>(folder.takeDue(at).size());
  }
  CHECK(told >= 59);
  CHECK(told <= 61);
}

TEST_CASE("transition_folder: an allowance that was not used is full again after its time, and no more") {
  TransitionFolder folder;
  TimePoint at = kStart;
  flip(folder, 10, at);
  folder.takeDue(TimePoint::max());
  at = kStart + seconds(3600);
  CHECK(flip(folder, 10, at) == TransitionFolder::kBurst);
}

TEST_CASE("transition_folder: a circuit that opens is told at once, with what was folded before it") {
  TransitionFolder folder;
  TimePoint at = kStart;
  flip(folder, 8, at);
  auto death = change(Verdict::kSuspect, Verdict::kDead, at);
  death.to.circuit = CircuitState::kOpen;
  const auto line = folder.add(death, kWall);
  REQUIRE(line.has_value());
  CHECK(line->folded == 3);
  CHECK((line->what.to.verdict == Verdict::kDead));
  CHECK(folder.nextDue() == TimePoint::max());
  CHECK(folder.takeDue(TimePoint::max()).empty());
}

TEST_CASE("transition_folder: so are all circuit changes and an operator's word, however many") {
  TransitionFolder folder;
  for (int i = 0; i < 50; ++i) {
    auto t = change(Verdict::kAlive, Verdict::kAlive, kStart);
    if (i % 2 == 0) {
      t.to.circuit = CircuitState::kOpen;
    } else {
      t.to.overridden = true;
    }
    const auto line = folder.add(t, kWall);
    REQUIRE(line.has_value());
    CHECK(line->folded == 0);
  }
}

TEST_CASE("transition_folder: peers do not share their allowance, and an ordinary outage is never folded") {
  TransitionFolder folder;
  TimePoint at = kStart;
  flip(folder, 100, at, 7);
  for (int i = 0; i < 20; ++i) {  // cut, found, back: once in two seconds
    const TimePoint cut = kStart + seconds(2 * i);
    CHECK(folder.add(change(Verdict::kAlive, Verdict::kSuspect, cut), kWall).has_value());
    auto death = change(Verdict::kSuspect, Verdict::kDead, cut + milliseconds(15));
    death.to.circuit = CircuitState::kOpen;
    CHECK(folder.add(death, kWall).has_value());
    auto back = change(Verdict::kDead, Verdict::kAlive, cut + milliseconds(500));
    back.from.circuit = CircuitState::kOpen;
    CHECK(folder.add(back, kWall).has_value());
  }
}

}  // namespace
}  // namespace peerpulse::server
