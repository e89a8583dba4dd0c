#include "peerpulse/stats/histogram.h"

#include <array>
#include <cmath>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace peerpulse;
using stats::Histogram;

namespace {
constexpr std::array<double, 3> kBounds = {0.001, 0.01, 0.1};
}

TEST_CASE("an observation falls into the first bucket whose bound is not below it") {
  Histogram h(kBounds);
  h.observe(0.0005);
  h.observe(0.001);  // bounds are inclusive
  h.observe(0.0011);
  h.observe(0.1);
  h.observe(5.0);
  const auto s = h.snapshot();
  CHECK(s.perBucket[0] == 2);
  CHECK(s.perBucket[1] == 1);
  CHECK(s.perBucket[2] == 1);
  CHECK(s.perBucket[3] == 1);
  CHECK(s.count() == 5);
  CHECK(s.sumSeconds == doctest::Approx(5.1026));
}

TEST_CASE("durations count in seconds") {
  Histogram h(kBounds);
  h.observe(milliseconds(5));
  CHECK(h.snapshot().perBucket[1] == 1);
  CHECK(h.snapshot().sumSeconds == doctest::Approx(0.005));
}

TEST_CASE("negative, NaN and infinite observations do not spoil the sum") {
  Histogram h(kBounds);
  h.observe(-1.0);
  h.observe(std::nan(""));
  CHECK(h.snapshot().perBucket[0] == 2);
  CHECK(h.snapshot().sumSeconds == 0.0);
  h.observe(INFINITY);
  CHECK(h.snapshot().perBucket[3] == 1);
  CHECK(std::isfinite(h.snapshot().sumSeconds));
}

TEST_CASE("no observation is lost between threads") {
  Histogram h(kBounds);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&h] {
      for (int i = 0; i < 10'000; ++i)
        h.observe(0.005);
    });
  }
  for (auto& t : threads)
    t.join();
  CHECK(h.snapshot().perBucket[1] == 40'000);
  CHECK(h.snapshot().sumSeconds == doctest::Approx(200.0));
}
