// Goal: a body is taken as fast as the slowest peer takes it, until as many as are needed have waited for that for too long; and
// no peer holds more than the limit back.
#include "body_pace.h"

#include <algorithm>
#include <random>
#include <vector>

#include <doctest/doctest.h>

using namespace peerpulse;
using fanout::BodyPace;

namespace {

const TimePoint kStart{seconds(100)};

}  // namespace

TEST_CASE("pace: within the limit everything is taken at once") {
  BodyPace pace(3, 3, 1000, kStart);
  pace.onTaken(1000, kStart);
  CHECK(pace.takeCredit(kStart) == 1000);
  CHECK(pace.takeCredit(kStart) == 0);
  CHECK_FALSE(pace.patienceLeft());
}

TEST_CASE("pace: beyond it the slowest sets it, and is let go of once those that are needed have waited") {
  BodyPace pace(3, 2, 1000, kStart);
  pace.onTaken(1500, kStart);
  CHECK(pace.takeCredit(kStart) == 1000);
  pace.onSent(0, 1500, kStart);
  pace.onSent(1, 200, kStart);
  CHECK(pace.takeCredit(kStart) == 0);
  CHECK_FALSE(pace.patienceLeft());  // only one has nothing to do
  pace.onSent(1, 1300, kStart + seconds(10));
  CHECK_FALSE(pace.laggard(kStart + seconds(10)));
  CHECK(pace.patienceLeft() == BodyPace::kPatience);
  CHECK_FALSE(pace.laggard(kStart + seconds(10) + milliseconds(499)));
  CHECK(pace.patienceLeft() == milliseconds(1));
  CHECK(pace.laggard(kStart + seconds(10) + milliseconds(500)) == 2);
  pace.onLeft(2, kStart + seconds(11));
  CHECK_FALSE(pace.laggard(kStart + seconds(20)));
  CHECK(pace.takeCredit(kStart + seconds(20)) == 500);
}

TEST_CASE("pace: who moves on in time is not let go of") {
  BodyPace pace(2, 1, 1000, kStart);
  TimePoint now = kStart;
  pace.onTaken(1500, now);
  CHECK(pace.takeCredit(now) == 1000);
  pace.onSent(0, 1500, now);
  now += milliseconds(400);
  CHECK_FALSE(pace.laggard(now));
  pace.onSent(1, 1500, now);
  CHECK(pace.takeCredit(now) == 500);
  CHECK_FALSE(pace.patienceLeft());
  // What the others waited is forgotten as slowly as it was gathered.
  pace.onTaken(1500, now);
  pace.onSent(0, 1500, now);
  CHECK(pace.takeCredit(now) == 1000);
  CHECK(pace.patienceLeft() == milliseconds(100));
}

TEST_CASE("pace: equals never let go of each other, whatever their caller's speed") {
  BodyPace pace(3, 2, 1000, kStart);
  TimePoint now = kStart;
  for (int step = 0; step < 10'000; ++step) {
    now += milliseconds(1);
    pace.onTaken(100, now);
    for (const size_t target : {0U, 1U, 2U})
      pace.onSent(target, 90, now);
    (void)pace.takeCredit(now);
    CHECK_FALSE(pace.laggard(now));
  }
}

TEST_CASE("pace: if all are needed nobody is let go of, and with nobody left nothing is held back") {
  BodyPace pace(2, 2, 1000, kStart);
  pace.onTaken(5000, kStart);
  pace.onSent(0, 5000, kStart);
  CHECK(pace.takeCredit(kStart) == 1000);
  CHECK_FALSE(pace.laggard(kStart + std::chrono::hours(1)));
  pace.onLeft(1, kStart + std::chrono::hours(1));
  CHECK(pace.takeCredit(kStart + std::chrono::hours(1)) == 4000);
  pace.onLeft(0, kStart + std::chrono::hours(1));
  pace.onTaken(1'000'000, kStart + std::chrono::hours(1));
  CHECK(pace.takeCredit(kStart + std::chrono::hours(1)) == 1'000'000);
}

TEST_CASE("pace: what is kept never exceeds the limit, and those that are needed are never let go of") {
  std::minstd_rand random(1);
  for (int world = 0; world < 200; ++world) {
    constexpr uint64_t kLimit = 1000;
    constexpr uint64_t kWindow = 300;
    const size_t targets = 1 + random() % 6;
    const size_t needed = 1 + random() % targets;
    TimePoint now = kStart;
    BodyPace pace(targets, needed, kLimit, now);
    std::vector<uint64_t> sent(targets, 0);
    std::vector<bool> left(targets, false);
    uint64_t taken = 0;
    uint64_t credited = 0;
    bool kept = true;
    for (int step = 0; step < 500; ++step) {
      now += milliseconds(random() % 100);
      const uint64_t more = std::min<uint64_t>(random() % 200, credited + kWindow - taken);
      taken += more;
      pace.onTaken(more, now);
      const size_t target = random() % targets;
      if (!left[target]) {
        const uint64_t n = std::min<uint64_t>(random() % 400, taken - sent[target]);
        sent[target] += n;
        pace.onSent(target, n, now);
      }
      credited += pace.takeCredit(now);
      if (const auto laggard = pace.laggard(now)) {
        left[*laggard] = true;
        pace.onLeft(*laggard, now);
        credited += pace.takeCredit(now);
      }
      kept = kept && credited <= taken;
      for (size_t i = 0; i < targets; ++i)
        kept = kept && (left[i] || taken - sent[i] <= kLimit + kWindow);
    }
    CHECK(kept);
    CHECK(static_cast<size_t>(std::count(left.begin(), left.end(), false)) >= needed);
  }
}
