// Goal: a body is taken as fast as the slowest peer that is needed, and no peer holds more than the limit back.
#include "body_pace.h"

#include <algorithm>
#include <random>
#include <vector>

#include <doctest/doctest.h>

using peerpulse::fanout::BodyPace;

TEST_CASE("pace: within the limit everything is taken at once") {
  BodyPace pace(3, 3, 1000);
  pace.onTaken(1000);
  CHECK(pace.takeCredit() == 1000);
  CHECK(pace.takeCredit() == 0);
  CHECK_FALSE(pace.laggard());
}

TEST_CASE("pace: beyond it the slowest that is needed sets it") {
  BodyPace pace(3, 2, 1000);
  pace.onTaken(5000);
  CHECK(pace.takeCredit() == 1000);
  pace.onSent(0, 3000);
  CHECK(pace.takeCredit() == 0);  // two are needed
  pace.onSent(2, 500);
  CHECK(pace.takeCredit() == 500);
  CHECK(pace.laggard() == 1);  // 1,500 credited, and it has none of it
  pace.onLeft(1);
  CHECK_FALSE(pace.laggard());
}

TEST_CASE("pace: as far behind as the limit is not too far") {
  BodyPace pace(2, 1, 1000);
  pace.onTaken(2000);
  pace.onSent(0, 1000);
  CHECK(pace.takeCredit() == 2000);
  CHECK(pace.laggard() == 1);
  pace.onSent(1, 1000);
  CHECK_FALSE(pace.laggard());
}

TEST_CASE("pace: with fewer left than are needed the slowest of them sets it; with none, nobody does") {
  BodyPace pace(2, 2, 1000);
  pace.onTaken(1'000'000);
  CHECK(pace.takeCredit() == 1000);
  pace.onLeft(0);
  CHECK(pace.takeCredit() == 0);
  pace.onLeft(1);
  CHECK(pace.takeCredit() == 999'000);
}

TEST_CASE("pace: what is kept never exceeds the limit, and somebody always moves") {
  std::minstd_rand random(1);
  for (int world = 0; world < 200; ++world) {
    constexpr uint64_t kLimit = 1000;
    constexpr uint64_t kWindow = 300;
    const size_t targets = 1 + random() % 6;
    const size_t needed = random() % (targets + 1);
    BodyPace pace(targets, needed, kLimit);
    std::vector<uint64_t> sent(targets, 0);
    std::vector<bool> left(targets, false);
    uint64_t taken = 0;
    uint64_t credited = 0;
    for (int step = 0; step < 500; ++step) {
      const uint64_t more = std::min<uint64_t>(random() % 200, credited + kWindow - taken);
      taken += more;
      pace.onTaken(more);
      const size_t target = random() % targets;
      if (!left[target]) {
        const uint64_t n = std::min<uint64_t>(random() % 400, taken - sent[target]);
        sent[target] += n;
        pace.onSent(target, n);
      }
      credited += pace.takeCredit();
      while (const auto laggard = pace.laggard()) {
        left[*laggard] = true;
        pace.onLeft(*laggard);
        credited += pace.takeCredit();
      }
      CHECK(credited <= taken);
      for (size_t i = 0; i < targets; ++i) {
        if (!left[i]) CHECK(taken - sent[i] <= kLimit + kWindow);
      }
    }
    // Those that are needed are never let go of.
    CHECK(static_cast<size_t>(std::count(left.begin(), left.end(), false)) >= std::min(needed, targets));
  }
}
