// Goal: each operation answers when it should, and says what becomes of the rest.
#include "plan.h"

#include <doctest/doctest.h>

using namespace peerpulse::fanout;

TEST_CASE("plan: a quorum answers with its last acknowledgement; the others go on") {
  QuorumPlan plan(3, 2);
  CHECK(plan.onBodyEnd() == Step::kWait);
  CHECK(plan.onLegEnded(true) == Step::kWait);
  CHECK(plan.onLegEnded(true) == Step::kAnswer);
  CHECK(plan.needed() == 2);
}

TEST_CASE("plan: a quorum of reads stops with its last answer, and keeps them") {
  QuorumPlan plan(3, 2, true);
  CHECK(plan.keepsAnswers());
  CHECK(plan.onLegEnded(true) == Step::kWait);
  CHECK(plan.onLegEnded(true) == Step::kAnswerAndStop);
  CHECK_FALSE(QuorumPlan(3, 2).keepsAnswers());
}

TEST_CASE("plan: a quorum that is lost answers at once and stops the others") {
  QuorumPlan plan(4, 3);
  CHECK(plan.onLegEnded(false) == Step::kWait);
  CHECK(plan.onLegEnded(false) == Step::kAnswerAndStop);
}

TEST_CASE("plan: an aggregate waits for all, good or bad") {
  const Options options;
  AggregatePlan plan(3, options);
  CHECK(plan.onLegEnded(false) == Step::kWait);
  CHECK(plan.onLegEnded(true) == Step::kWait);
  CHECK(plan.onLegEnded(false) == Step::kAnswer);
  CHECK(plan.legTimeout() == options.peerTimeout);
}

TEST_CASE("plan: a notification answers when it is here, and not for its legs") {
  const Options options;
  NotifyPlan plan(options);
  CHECK(plan.onLegEnded(false) == Step::kWait);
  CHECK(plan.onBodyEnd() == Step::kAnswer);
  CHECK(plan.bodyLimit() == options.replayLimit);
}
