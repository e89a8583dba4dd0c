// Goal: a trial permit is in one hand at a time, and comes back unless an outcome decides about the circuit.
#include "peerpulse/upstream/trial.h"

#include <optional>

#include <doctest/doctest.h>

using namespace peerpulse;
using health::TrialPermits;
using upstream::Trial;

namespace {
constexpr PeerId kPeer{0};
}

TEST_CASE("trial: one at a time for a generation, however many ask") {
  TrialPermits permits(2);
  Trial first(permits), second(permits);
  CHECK(first.take(kPeer, 7));
  CHECK(first.held());
  CHECK_FALSE(second.take(kPeer, 7));
  CHECK_FALSE(second.held());
  CHECK(second.take(PeerId{1}, 7));  // another peer's
}

TEST_CASE("trial: a trial that is sent again is still the same trial") {
  TrialPermits permits(1);
  Trial trial(permits), other(permits);
  CHECK(trial.take(kPeer, 7));
  CHECK(trial.take(kPeer, 7));
  CHECK_FALSE(other.take(kPeer, 7));
}

TEST_CASE("trial: without an outcome it goes back, and another may try") {
  TrialPermits permits(1);
  Trial other(permits);
  {
    Trial trial(permits);
    CHECK(trial.take(kPeer, 7));
    SUBCASE("given back") { trial.giveBack(); }
    SUBCASE("destroyed") {}
  }
  CHECK(other.take(kPeer, 7));
}

TEST_CASE("trial: once decided, nobody else gets one of that generation") {
  TrialPermits permits(1);
  Trial other(permits);
  {
    Trial trial(permits);
    CHECK(trial.take(kPeer, 7));
    trial.decided();
    CHECK_FALSE(trial.held());
    trial.giveBack();
  }
  CHECK_FALSE(other.take(kPeer, 7));
  CHECK(other.take(kPeer, 8));
}

TEST_CASE("trial: one for a newer generation gives up the older, and cannot give that back twice") {
  TrialPermits permits(1);
  Trial trial(permits);
  CHECK(trial.take(kPeer, 7));
  CHECK(trial.take(kPeer, 8));
  Trial other(permits);
  CHECK_FALSE(other.take(kPeer, 8));
  trial.giveBack();
  CHECK(other.take(kPeer, 8));
  trial.giveBack();  // no longer ours
  Trial third(permits);
  CHECK_FALSE(third.take(kPeer, 8));
}

TEST_CASE("trial: never taken, there is nothing to give back or to decide") {
  TrialPermits permits(1);
  Trial holder(permits);
  CHECK(holder.take(kPeer, 7));
  {
    Trial idle(permits);
    idle.giveBack();
    idle.decided();
  }
  Trial other(permits);
  CHECK_FALSE(other.take(kPeer, 7));
}
