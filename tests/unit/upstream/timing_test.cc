// Goal: an automatic timeout leaves a healthy peer alone, follows one that changes, and never feeds on what it cuts off; seeded
// worlds of one peer and its callers.
#include "peerpulse/upstream/timing.h"

#include <algorithm>
#include <queue>
#include <vector>

#include <doctest/doctest.h>

#include "seeded_random.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using peerpulse::test::Random;
using stats::LatencyWindow;

namespace {

constexpr uint64_t kSeeds = 100;
constexpr TimePoint kStart{std::chrono::hours(1)};

TimingOptions wide() {
  TimingOptions options;
  options.floor = milliseconds(1);
  options.ceiling = seconds(100);
  return options;
}

/// A peer, and the exchanges with it one after the other.
struct World {
  explicit World(uint64_t seed)
      : random(seed),
        base(random.spread(microseconds(200), milliseconds(300))),
        gap(random.spread(milliseconds(1), seconds(2))) {}

  // Most answers take one to one and a half of the base, one in eleven up to three, one in fifty has a pause of up to eight.
  Duration latency() {
    if (random.percent(2)) return random.between(3 * base, 8 * base);
    return random.percent(9) ? random.between(3 * base / 2, 3 * base) : random.between(base, 3 * base / 2);
  }
  Duration timeout() const { return autoTimeout(window.snapshot(), options, now).value_or(kUnlearnt); }
  /// True: it was cut off.
  bool exchange() {
    now += gap;
    const Duration takes = latency();
    const Duration allowed = timeout();
    if (impatient && random.percent(3)) {  // a caller with little patience, or one that goes away
      const Duration patience = random.between(microseconds(100), 4 * base);
      if (patience < takes && patience < allowed) {
        if (random.percent(50)) {
          window.unanswered(patience, now, options.window);
        } else {
          window.abandoned(patience, now, options.window);
        }
        return false;
      }
    }
    if (takes > allowed) {
      window.unanswered(allowed, now, options.window);
      return true;
    }
    window.answered(takes, now, options.window);
    return false;
  }
  size_t exchanges(size_t count) {
    size_t cut = 0;
    for (size_t i = 0; i < count; ++i)
      cut += exchange() ? 1U : 0U;
    return cut;
  }

  static constexpr Duration kUnlearnt = seconds(100);
  Random random;
  Duration base;
  Duration gap;
  TimingOptions options = wide();
  bool impatient = true;  // some callers are
  LatencyWindow window;
  TimePoint now = kStart;
};

}  // namespace

TEST_CASE("timing: nothing follows from too few exchanges, and nothing leaves floor and ceiling") {
  const TimingOptions options;
  LatencyWindow window;
  for (uint32_t i = 0; i < options.samples; ++i) {
    CHECK_FALSE(autoTimeout(window.snapshot(), options, kStart));
    CHECK_FALSE(autoHedgeDelay(window.snapshot(), options));
    window.answered(microseconds(100), kStart, options.window);
  }
  CHECK(autoTimeout(window.snapshot(), options, kStart) == options.floor);
  CHECK(autoHedgeDelay(window.snapshot(), options) == kLeastHedgeDelay);
  for (int i = 0; i < 40; ++i)
    window.answered(milliseconds(200), kStart, options.window);
  CHECK(*autoTimeout(window.snapshot(), options, kStart) >= milliseconds(600));
  CHECK(*autoTimeout(window.snapshot(), options, kStart) <= milliseconds(675));
  CHECK(*autoHedgeDelay(window.snapshot(), options) >= milliseconds(200));
  for (int i = 0; i < 40; ++i)
    window.answered(seconds(20), kStart, options.window);
  CHECK(autoTimeout(window.snapshot(), options, kStart) == options.ceiling);
}

TEST_CASE("timing: a healthy peer has what it needs, from the first timeout on") {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    World w(seed);
    w.exchanges(w.options.samples);
    size_t cut = 0;
    for (int i = 0; i < 600; ++i) {
      REQUIRE(w.timeout() >= 3 * w.base);  // 98 of 100 answers
      cut += w.exchange() ? 1U : 0U;
    }
    CHECK(cut <= 6);
  }
}

TEST_CASE("timing: a peer that becomes slower for good is followed within a few exchanges") {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    World w(seed);
    w.exchanges(300);
    w.base = w.base * (2 + w.random.below(19));
    const size_t cut = w.exchanges(100);
    CHECK(cut <= 24);  // four for each factor of three
    for (int i = 0; i < 300; ++i) {
      REQUIRE(w.timeout() >= 3 * w.base);
      w.exchange();
    }
  }
}

TEST_CASE("timing: one that becomes faster is followed when what it was is over") {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    World w(seed);
    w.exchanges(300);
    w.impatient = false;  // what they cut off keeps the percentile where it is
    w.base = std::max<Duration>(w.base / (2 + w.random.below(19)), microseconds(100));
    const TimePoint changed = w.now;
    size_t since = 0;
    while (since < 5 * LatencyWindow::kMinPerPart || w.now - changed < 5 * w.options.window / 4) {
      w.exchange();
      ++since;
      w.gap = std::max<Duration>(w.gap, milliseconds(100));  // or a minute is very long
    }
    // A pause is eight times the base, of which a bucket overstates an eighth.
    CHECK(w.timeout() <= std::max<Duration>(w.options.floor, 3 * 9 * w.base));
  }
}

// The worst of callers: what timed out is sent again at once, and the peer works on all that it was ever sent.
TEST_CASE("timing: no spiral under load") {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const TimingOptions options = wide();
    LatencyWindow window;
    Duration service = random.between(microseconds(200), milliseconds(3));
    for (int i = 0; i < 200; ++i)  // one caller at a time
      window.answered(service, kStart + i * service, options.window);
    if (random.percent(50)) service *= 4;  // a disk has become slow, too
    const size_t callers = 2 + random.below(63);
    std::priority_queue<TimePoint, std::vector<TimePoint>, std::greater<>> next;
    for (size_t i = 0; i < callers; ++i)
      next.push(kStart + seconds(1));
    TimePoint busyUntil = kStart;
    size_t cutLately = 0;
    constexpr size_t kCalls = 3000;
    for (size_t i = 0; i < kCalls; ++i) {
      const TimePoint now = next.top();
      next.pop();
      const Duration allowed = *autoTimeout(window.snapshot(), options, now);
      busyUntil = std::max(busyUntil, now) + service;
      const Duration takes = busyUntil - now;
      if (takes <= allowed) {
        window.answered(takes, now + takes, options.window);
        next.push(now + takes);
      } else {
        window.unanswered(allowed, now + allowed, options.window);
        next.push(now + allowed);
        if (i >= kCalls / 2) ++cutLately;
      }
    }
    CHECK(cutLately == 0);
  }
}

// One in a thousand is of another kind (a listing among reads), and is asked again when it was cut off.
TEST_CASE("timing: what is slow by nature among many quick ones is answered when it is tried again") {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    World w(seed);
    w.impatient = false;
    w.exchanges(1000);
    const Duration takes = w.random.between(2 * w.timeout(), 20 * w.timeout());
    size_t tries = 1;
    for (; takes > w.timeout() && tries < 100; ++tries) {
      w.window.unanswered(w.timeout(), w.now, w.options.window);
      w.gap = std::min<Duration>(w.gap, milliseconds(10));
      w.exchanges(1000);  // 10 s at most
    }
    CHECK(tries <= 6);  // each waits twice as long
    w.window.answered(takes, w.now, w.options.window);
    w.gap = milliseconds(100);
    w.exchanges(601);
    CHECK(w.timeout() < takes);  // a window later all is as it was
  }
}
