// Goal: long work is done to its end in slices, and between them the loop serves everybody else.
#include "peerpulse/event/sliced_work.h"

#include <memory>
#include <optional>
#include <vector>

#include <doctest/doctest.h>

#include "virtual_scheduler.h"

using namespace peerpulse;
using event::SlicedWork;
using peerpulse::test::VirtualScheduler;
using peerpulse::test::VirtualTime;

namespace {

/// Units of work, each of which takes `cost`.
struct Units {
  bool step(TimePoint stop) {
    ++slices;
    const TimePoint begin = time.now();
    while (left > 0) {
      --left;
      ++done;
      time.advanceTo(time.now() + cost);
      if (whenDone) whenDone();
      if (time.now() >= stop) break;
    }
    longest = std::max(longest, time.now() - begin);
    return left == 0;
  }

  VirtualTime time;
  VirtualScheduler loop{time};
  Duration cost = SlicedWork::kSlice / 5;
  int left = 0, done = 0, slices = 0;
  Duration longest{};
  std::function<void()> whenDone;
  SlicedWork work{loop, [this](TimePoint stop) { return step(stop); }};
};

}  // namespace

TEST_CASE("sliced work: what fits into a slice is done at once") {
  Units units;
  units.left = 4;
  units.work.start();
  CHECK(units.done == 4);
  CHECK(units.slices == 1);
  CHECK_FALSE(units.work.running());
  units.time.runFor(seconds(1));
  CHECK(units.slices == 1);
}

TEST_CASE("sliced work: the rest is done in later turns, none longer than a slice and a unit") {
  Units units;
  units.left = 1000;
  units.work.start();
  CHECK(units.done == 5);
  CHECK(units.work.running());
  units.time.runFor(seconds(1));
  CHECK(units.done == 1000);
  CHECK(units.slices == 200);
  CHECK(units.longest == SlicedWork::kSlice);
  CHECK_FALSE(units.work.running());
}

TEST_CASE("sliced work: a unit longer than a slice is one slice") {
  Units units;
  units.cost = milliseconds(2);
  units.left = 3;
  units.work.start();
  units.time.runFor(seconds(1));
  CHECK(units.slices == 3);
  CHECK(units.done == 3);
}

TEST_CASE("sliced work: between two slices the others on the loop have their turn") {
  Units units;
  units.left = 100;
  std::vector<int> doneAtTick;
  std::unique_ptr<event::Timer> other;
  other = units.loop.createTimer([&] {
    doneAtTick.push_back(units.done);
    if (units.work.running()) other->enable(Duration::zero());
  });
  other->enable(Duration::zero());
  units.work.start();
  units.time.runFor(seconds(1));
  CHECK(units.done == 100);
  REQUIRE(doneAtTick.size() >= 20);
  for (size_t i = 1; i < doneAtTick.size(); ++i)
    CHECK(doneAtTick[i] - doneAtTick[i - 1] <= 5);
}

TEST_CASE("sliced work: started again while it is due, it is not done twice as fast") {
  Units units;
  units.left = 20;
  units.work.start();
  units.work.start();
  units.work.start();
  CHECK(units.slices == 1);
  units.time.runFor(seconds(1));
  CHECK(units.slices == 4);
  units.left = 3;
  units.work.start();  // done before: new work
  CHECK(units.done == 23);
}

TEST_CASE("sliced work: started from inside a slice, there is another one, even if this one finishes") {
  Units units;
  units.left = 2;
  units.whenDone = [&] {
    units.whenDone = nullptr;
    units.work.start();
    CHECK(units.slices == 1);  // not from inside
  };
  units.work.start();
  CHECK(units.done == 2);
  CHECK(units.work.running());
  units.time.runFor(milliseconds(1));
  CHECK(units.slices == 2);
  CHECK_FALSE(units.work.running());
}

TEST_CASE("sliced work: nothing to do is done") {
  Units units;
  units.work.start();
  CHECK(units.slices == 1);
  CHECK_FALSE(units.work.running());
}

TEST_CASE("sliced work: dropped, the rest is not done") {
  VirtualTime time;
  VirtualScheduler loop(time);
  int slices = 0;
  auto work = std::make_optional<SlicedWork>(loop, [&](TimePoint) {
    ++slices;
    return false;
  });
  work->start();
  loop.runTurn();
  CHECK(slices == 2);
  work.reset();
  time.runFor(seconds(1));
  CHECK(slices == 2);
}
