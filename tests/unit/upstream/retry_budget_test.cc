// Goal: retries stay a share of the requests: a little at the start, a bounded reserve, and never more than was earned.
#include "retry_budget.h"

#include <doctest/doctest.h>

using peerpulse::upstream::RetryBudget;

namespace {

int takeAll(RetryBudget& budget) {
  int taken = 0;
  while (budget.take())
    ++taken;
  return taken;
}

}  // namespace

TEST_CASE("retry budget: a quiet proxy may retry too") {
  RetryBudget budget;
  CHECK(takeAll(budget) == 10);
  CHECK_FALSE(budget.take());
}

TEST_CASE("retry budget: after that each request earns its percentage of a retry") {
  for (const uint32_t percent : {0U, 1U, 10U, 33U, 100U}) {
    CAPTURE(percent);
    RetryBudget budget;
    takeAll(budget);
    int retries = 0;
    for (int i = 0; i < 1000; ++i) {
      budget.onRequest(percent);
      if (budget.take()) ++retries;
    }
    CHECK(retries == static_cast<int>(percent) * 10);
  }
}

TEST_CASE("retry budget: a retry is not given before it is earned in full") {
  RetryBudget budget;
  takeAll(budget);
  for (int i = 0; i < 9; ++i) {
    budget.onRequest(10);
    CHECK_FALSE(budget.take());
  }
  budget.onRequest(10);
  CHECK(budget.take());
  CHECK_FALSE(budget.take());
}

TEST_CASE("retry budget: what is saved up is bounded, so that a sudden failure is not multiplied") {
  RetryBudget budget;
  for (int i = 0; i < 100'000; ++i)
    budget.onRequest(10);
  CHECK(takeAll(budget) == 100);
  for (int i = 0; i < 3; ++i)
    budget.onRequest(UINT32_MAX / 2);
  CHECK(takeAll(budget) == 100);
}

TEST_CASE("retry budget: a percentage that was changed counts from the next request on") {
  RetryBudget budget;
  takeAll(budget);
  for (int i = 0; i < 10; ++i)
    budget.onRequest(50);
  CHECK(takeAll(budget) == 5);
  for (int i = 0; i < 10; ++i)
    budget.onRequest(0);
  CHECK(takeAll(budget) == 0);
}
