// Goal: a percentile is never understated and hardly overstated; old values go when there are newer ones; what was cut off never
// makes the peer look faster than it is.
#include "peerpulse/stats/latency_window.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using stats::LatencyWindow;

namespace {

constexpr Duration kWindow = seconds(60);
constexpr TimePoint kStart{std::chrono::hours(1)};

void answer(LatencyWindow& window, Duration took, size_t times, TimePoint at = kStart) {
  for (size_t i = 0; i < times; ++i)
    window.answered(took, at, kWindow);
}

}  // namespace

TEST_CASE("latency window: empty, it says nothing") {
  const LatencyWindow window;
  CHECK(window.snapshot().samples() == 0);
  CHECK(window.snapshot().percentile(99) == Duration::zero());
  CHECK(window.snapshot().high() == Duration::zero());
  CHECK(window.lastAt() == TimePoint::min());
}

TEST_CASE("latency window: every value is overstated by an eighth at most, and never understated") {
  for (Duration value = LatencyWindow::kMin; value < LatencyWindow::kMax; value = value * 21 / 20) {
    CAPTURE(value.count());
    LatencyWindow window;
    window.answered(value, kStart, kWindow);
    const Duration read = window.snapshot().percentile(50);
    CHECK(read >= value);
    CHECK(read <= value + value / 8 + nanoseconds(1));
    LatencyWindow again;  // what was read is recorded where it came from
    again.answered(read, kStart, kWindow);
    CHECK(again.snapshot().percentile(50) == read);
  }
  LatencyWindow window;
  window.answered(Duration::zero(), kStart, kWindow);
  CHECK(window.snapshot().percentile(100) == LatencyWindow::kMin);
  window.answered(std::chrono::hours(1), kStart, kWindow);
  CHECK(window.snapshot().percentile(100) == LatencyWindow::kMax);
}

TEST_CASE("latency window: percentiles count from below") {
  LatencyWindow window;
  answer(window, milliseconds(100), 2);
  answer(window, milliseconds(1), 98);  // and the last 32 are these
  const auto read = window.snapshot();
  CHECK(read.percentile(98) < milliseconds(2));
  CHECK(read.percentile(99) >= milliseconds(100));
  CHECK(read.recentHigh() < milliseconds(2));
  CHECK(read.high() == read.percentile(99));
}

TEST_CASE("latency window: a busy peer's values count for the window, a quiet one's until there are others") {
  LatencyWindow busy;
  answer(busy, milliseconds(100), 1000);
  for (int i = 0; i < 74; ++i)
    answer(busy, milliseconds(1), 100, kStart + seconds(i));
  CHECK(busy.snapshot().percentile(100) < milliseconds(2));
  LatencyWindow recent;
  answer(recent, milliseconds(100), 100);
  for (int i = 0; i < 44; ++i)
    answer(recent, milliseconds(1), 100, kStart + seconds(i));
  CHECK(recent.snapshot().percentile(100) >= milliseconds(100));
  LatencyWindow quiet;
  answer(quiet, milliseconds(100), 10);
  answer(quiet, milliseconds(1), 200, kStart + std::chrono::hours(24));
  CHECK(quiet.snapshot().samples() == 210);
  for (int i = 0; i < 5; ++i)
    answer(quiet, milliseconds(1), 64, kStart + std::chrono::hours(48 + i));
  CHECK(quiet.snapshot().percentile(100) < milliseconds(2));
}

TEST_CASE("latency window: the last values tell of a peer that has become slower") {
  LatencyWindow window;
  answer(window, milliseconds(1), 10'000);
  answer(window, milliseconds(100), 3);
  CHECK(window.snapshot().high() < milliseconds(2));
  answer(window, milliseconds(100), 1);
  CHECK(window.snapshot().percentile(99) < milliseconds(2));
  CHECK(window.snapshot().high() >= milliseconds(100));
}

TEST_CASE("latency window: what a deadline cut off is no quick answer") {
  LatencyWindow window;
  answer(window, milliseconds(50), 100);
  for (int i = 0; i < 1000; ++i)
    window.unanswered(milliseconds(1), kStart, kWindow);  // an impatient caller's
  CHECK(window.snapshot().percentile(99) >= milliseconds(50));
  window.unanswered(milliseconds(400), kStart, kWindow);
  CHECK(window.snapshot().percentile(100) >= milliseconds(400));
}

TEST_CASE("latency window: what nobody needed any more counts only if it was late") {
  LatencyWindow window;
  window.abandoned(seconds(1), kStart, kWindow);  // nothing is known that it could be late by
  CHECK(window.snapshot().samples() == 0);
  answer(window, milliseconds(10), 98);
  answer(window, milliseconds(80), 2);
  window.abandoned(milliseconds(5), kStart, kWindow);
  CHECK(window.snapshot().samples() == 100);
  window.abandoned(milliseconds(20), kStart, kWindow);
  CHECK(window.snapshot().samples() == 101);
  CHECK(window.snapshot().percentile(98) >= milliseconds(20));
  CHECK(window.snapshot().percentile(98) < milliseconds(80));
}

TEST_CASE(
    "latency window: those who give up whoever is late do not hold the percentile where a bad moment had put it") {
  LatencyWindow window;
  answer(window, milliseconds(2), 980);
  answer(window, seconds(2), 20);
  TimePoint now = kStart;
  for (int i = 0; i < 500; ++i) {
    now += kWindow / 100;
    for (int k = 0; k < 95; ++k)
      window.answered(milliseconds(1), now, kWindow);
    for (int k = 0; k < 5; ++k)
      window.abandoned(milliseconds(2), now, kWindow);
  }
  CHECK(window.snapshot().percentile(99) < milliseconds(10));
}
