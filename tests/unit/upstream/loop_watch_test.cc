// Goal: a loop's own time passes as the clock does, except while the loop is late, and never goes back.
#include "peerpulse/upstream/loop_watch.h"

#include <doctest/doctest.h>

#include "virtual_scheduler.h"

using namespace peerpulse;
using peerpulse::test::VirtualScheduler;
using peerpulse::test::VirtualTime;
using upstream::LoopTime;
using upstream::LoopWatch;

namespace {

struct Loop {
  TimePoint at() const { return loopTime.at(time.now()); }
  void blockFor(Duration d) { scheduler.block(time.now() + d); }

  VirtualTime time;
  VirtualScheduler scheduler{time};
  LoopTime loopTime;
  LoopWatch watch{scheduler, loopTime};
};

}  // namespace

TEST_CASE("loop watch: a loop that runs has lost nothing") {
  Loop loop;
  loop.time.runFor(seconds(10));
  CHECK(loop.loopTime.lost == Duration::zero());
  CHECK(loop.at() == loop.time.now());
}

TEST_CASE("loop watch: being late for a turn's work is not counted") {
  Loop loop;
  for (int i = 0; i < 100; ++i) {
    loop.blockFor(LoopTime::kLate);
    loop.time.runFor(milliseconds(37));
  }
  CHECK(loop.loopTime.lost == Duration::zero());
}

TEST_CASE("loop watch: what a late loop lost is taken off") {
  Loop loop;
  loop.time.runFor(milliseconds(510));
  const TimePoint before = loop.at();
  loop.blockFor(seconds(30));
  loop.time.runFor(seconds(31));
  constexpr Duration kUncounted = LoopWatch::kInterval + LoopTime::kLate;
  CHECK(loop.loopTime.lost > seconds(30) - kUncounted);
  CHECK(loop.loopTime.lost <= seconds(30));
  CHECK(loop.at() - before >= seconds(1));
  CHECK(loop.at() - before <= seconds(1) + kUncounted);
}

TEST_CASE("loop watch: while the loop catches up its time stands still, before and after the look") {
  Loop loop;
  loop.time.runFor(milliseconds(510));
  loop.time.advanceTo(loop.time.now() + seconds(30));  // nothing has run
  const TimePoint late = loop.at();
  CHECK(late < loop.time.now() - seconds(29));
  loop.time.advanceTo(loop.time.now() + seconds(1));
  CHECK(loop.at() == late);
  loop.scheduler.runTurn();  // the watch looks
  CHECK(loop.at() == late);
  loop.time.runFor(seconds(1));
  CHECK(loop.at() == late + seconds(1));
}

TEST_CASE("loop watch: many losses add up, and time never goes back") {
  Loop loop;
  TimePoint last = loop.at();
  for (int i = 1; i <= 50; ++i) {
    loop.blockFor(milliseconds(7 * i));
    for (int j = 0; j < 20; ++j) {
      loop.time.runFor(milliseconds(11));
      CHECK(loop.at() >= last);
      last = loop.at();
    }
  }
  CHECK(loop.loopTime.lost > seconds(1));
}

TEST_CASE("loop watch: without one, time is the clock's") {
  const LoopTime unwatched;
  const TimePoint now{seconds(12345)};
  CHECK(unwatched.at(now) == now);
}
