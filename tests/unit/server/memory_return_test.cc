#include "memory_return.h"

#include <doctest/doctest.h>

namespace peerpulse::server {
namespace {

constexpr uint64_t kMiB = 1024 * 1024;

TEST_CASE("TrimRule: memory of a burst that is over is given back, once") {
  TrimRule rule;
  CHECK_FALSE(rule.due(40 * kMiB, 0));  // what there is at the start is no burst's
  CHECK_FALSE(rule.due(41 * kMiB, kMiB));
  CHECK_FALSE(rule.due(240 * kMiB, 200 * kMiB));  // it is in use
  CHECK(rule.due(240 * kMiB, kMiB));
  rule.trimmed(45 * kMiB, kMiB);
  CHECK_FALSE(rule.due(45 * kMiB, kMiB));
  CHECK_FALSE(rule.due(50 * kMiB, kMiB));
  CHECK(rule.due(60 * kMiB, kMiB));
}

TEST_CASE("TrimRule: not while a burst grows, and not again for what could not be had") {
  TrimRule rule;
  CHECK_FALSE(rule.due(40 * kMiB, 0));
  CHECK_FALSE(rule.due(240 * kMiB, 100 * kMiB));  // growing: it would take it all again
  CHECK(rule.due(240 * kMiB, 100 * kMiB));
  rule.trimmed(239 * kMiB, 100 * kMiB);
  CHECK_FALSE(rule.due(239 * kMiB, 100 * kMiB));
  CHECK_FALSE(rule.due(100 * kMiB, 150 * kMiB));  // counted, and not resident
}

}  // namespace
}  // namespace peerpulse::server
