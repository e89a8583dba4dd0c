// Goal: RFC 6298 arithmetic, the window's percentiles, and that a burst of late answers counts once.
#include "peerpulse/health/rtt_estimator.h"

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

TimePoint at(int64_t ms) { return TimePoint() + seconds(100) + milliseconds(ms); }

TEST_CASE("rtt_estimator: first sample, then RFC 6298") {
  RttEstimator rtt(milliseconds(5));
  CHECK_FALSE(rtt.measured());
  CHECK(rtt.percentile(50) == Duration::zero());
  rtt.add(milliseconds(8), at(0));
  CHECK(rtt.smoothed() == milliseconds(8));
  CHECK(rtt.variation() == milliseconds(4));
  rtt.add(milliseconds(16), at(20));  // the first sample's burst is over: it is smoothed in
  CHECK(rtt.smoothed() == milliseconds(8));
  CHECK(rtt.variation() == milliseconds(3));
  rtt.add(milliseconds(16), at(40));
  CHECK(rtt.smoothed() == milliseconds(9));
  CHECK(rtt.variation() == microseconds(4250));
  CHECK(rtt.last() == milliseconds(16));
}

TEST_CASE("rtt_estimator: of a burst of late answers only the smallest is smoothed") {
  RttEstimator rtt(milliseconds(5));
  for (int i = 0; i < 50; ++i)
    rtt.add(milliseconds(1), at(20 * i));
  for (int late = 300; late >= 20; late -= 20)
    rtt.add(milliseconds(late), at(1300));
  rtt.add(milliseconds(1), at(1320));
  CHECK(rtt.smoothed() < milliseconds(4));
  CHECK(rtt.percentile(99) >= milliseconds(280));
}

TEST_CASE("rtt_estimator: the window forgets, percentiles are exact") {
  RttEstimator rtt(milliseconds(5));
  for (int i = 0; i < 1000; ++i)
    rtt.add(microseconds(900'000), at(20 * i));
  for (int i = 1; i <= 256; ++i)
    rtt.add(microseconds(i), at(20'000 + 20 * i));
  CHECK(rtt.percentile(0) == microseconds(1));
  CHECK(rtt.percentile(50) == microseconds(128));
  CHECK(rtt.percentile(99) == microseconds(253));
  CHECK(rtt.percentile(100) == microseconds(256));
}

}  // namespace
}  // namespace peerpulse::health
