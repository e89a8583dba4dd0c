#include "h2/barrier.h"

#include <doctest/doctest.h>

namespace peerpulse::http::h2 {
namespace {

TEST_CASE("Barrier: the ACK of what was sent after the question is the proof") {
  Barrier barrier;
  CHECK_FALSE(barrier.due());
  const uint64_t first = barrier.ask();
  CHECK(barrier.due());
  barrier.sent();
  CHECK_FALSE(barrier.due());
  barrier.acked();  // of the connection's first SETTINGS
  CHECK_FALSE(barrier.passed(first));
  barrier.acked();
  CHECK(barrier.passed(first));
  const uint64_t second = barrier.ask();
  CHECK_FALSE(barrier.passed(second));
}

TEST_CASE("Barrier: two under way, who asks then shares the next") {
  Barrier barrier;
  barrier.acked();
  barrier.ask();
  barrier.sent();
  barrier.ask();
  barrier.sent();
  const uint64_t third = barrier.ask();
  CHECK_FALSE(barrier.due());
  CHECK(barrier.ask() == third);
  barrier.acked();
  CHECK(barrier.due());
  barrier.sent();
  barrier.acked();
  CHECK_FALSE(barrier.passed(third));
  CHECK_FALSE(barrier.due());
  barrier.acked();
  CHECK(barrier.passed(third));
}

}  // namespace
}  // namespace peerpulse::http::h2
