// Goal: when a governor limits, to what, and what must not make it: idleness, long polls, a handful of exchanges, the
// peer's death.
#include "governor.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "governor_world.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;

namespace {

const ModelPeer kQuick{.slots = 16, .service = milliseconds(2)};
const ModelPeer kSlow{.slots = 4, .service = milliseconds(400)};

/// 400 a second for some time.
GovernorWorld quickWorld(GovernorOptions options = {}) {
  GovernorWorld world(1, kQuick, options);
  world.load(0, 400);
  world.run(seconds(5));
  return world;
}

}  // namespace

TEST_CASE("governor: it learns the baseline, and has no limit") {
  GovernorWorld world = quickWorld();
  const Governor& governor = world.worker().governor;
  REQUIRE(governor.baseline());
  CHECK(*governor.baseline() > milliseconds(1));
  CHECK(*governor.baseline() < milliseconds(3));
  CHECK(governor.threshold() == world.options.slowFrom);
  CHECK_FALSE(governor.limit());
  CHECK(governor.state() == Governor::State::kFree);
}

TEST_CASE("governor: slow is more than the tolerance allows, and more than slow_from") {
  GovernorOptions options;
  options.slowFrom = milliseconds(1);
  options.tolerance = 5;
  GovernorWorld world = quickWorld(options);
  const Governor& governor = world.worker().governor;
  CHECK(governor.threshold() == *governor.baseline() * 5);
}

TEST_CASE("governor: a slow peer gets no more than it had when it was quick") {
  GovernorWorld world = quickWorld();
  world.setPeer(kSlow);
  world.run(seconds(2));
  const Governor& governor = world.worker().governor;
  REQUIRE(governor.limiting());
  CHECK(*governor.limit() == world.options.floor);
  CHECK(governor.refused() > 0);
  CHECK(governor.refused() == world.worker().refused);
}

TEST_CASE("governor: one slow look is no slow peer") {
  GovernorWorld world = quickWorld();
  ModelPeer stopped = kQuick;
  stopped.stalled = true;
  world.setPeer(stopped);
  world.run(milliseconds(200));  // a pause for garbage
  world.setPeer(kQuick);
  world.run(seconds(10));
  CHECK(world.worker().refused == 0);
}

TEST_CASE("governor: at most the floor in flight, a slow peer is left alone") {
  GovernorWorld world(1, kQuick);
  world.load(0, 4);
  world.run(seconds(10));
  world.setPeer(kSlow);
  world.run(seconds(30));
  CHECK(world.worker().refused == 0);
  CHECK_FALSE(world.worker().governor.limiting());
}

TEST_CASE("governor: without exchanges nothing changes") {
  GovernorWorld world = quickWorld();
  world.setPeer(kSlow);
  world.run(seconds(5));
  world.quiet();
  world.run(seconds(60));
  const Governor& governor = world.worker().governor;
  REQUIRE(governor.limiting());
  const auto limit = governor.limit();
  const auto baseline = governor.baseline();
  world.run(std::chrono::hours(1));
  CHECK(governor.limit() == limit);
  CHECK(governor.baseline() == baseline);
}

TEST_CASE("governor: long polls beside quick answers accuse nobody") {
  GovernorWorld world = quickWorld();
  for (int i = 0; i < 200; ++i) {
    world.longPoll(0, seconds(30));
    world.run(milliseconds(50));
  }
  world.run(seconds(40));
  CHECK(world.worker().refused == 0);
  CHECK(world.worker().governor.latency() < milliseconds(5));
}

TEST_CASE("governor: what would be refused is counted while nothing is") {
  GovernorWorld world = quickWorld();
  world.observe();
  world.setPeer(kSlow);
  world.run(seconds(5));
  CHECK(world.worker().refused > 0);
  CHECK(world.worker().governor.inFlight() > 1000);
  const uint64_t offered = world.worker().offered;
  world.setPeer(kQuick);
  world.run(seconds(20));
  CHECK_FALSE(world.worker().governor.limiting());
  CHECK(world.worker().offered > offered + 7000);
}

TEST_CASE("governor: while nothing is refused overload does not become the baseline") {
  GovernorOptions options;
  options.relearn = seconds(5);
  GovernorWorld world(7, kQuick, options);
  world.observe();
  world.load(0, 1000);
  world.run(seconds(10));
  world.setPeer({.slots = 50, .service = milliseconds(20)});
  world.load(0, 3500);
  world.run(seconds(4));
  world.load(0, 2500);
  world.run(seconds(30));
  CHECK(world.worker().governor.limiting());
  CHECK(*world.worker().governor.baseline() < milliseconds(25));
}

TEST_CASE("governor: places of whoever pauses are free, and measuring ends though nothing comes of it") {
  GovernorOptions options;
  options.relearn = seconds(5);
  GovernorWorld world = quickWorld(options);
  Governor& governor = world.worker().governor;
  const uint32_t before = governor.inFlight();
  for (int i = 0; i < 20; ++i) {
    governor.enter();
    governor.pause();
  }
  CHECK(governor.inFlight() == before);
  world.setPeer({.slots = 40, .service = milliseconds(120)});
  bool blocked = false;
  Duration longest{}, stretch{};
  TimePoint last = world.now;
  world.run(seconds(60), [&] {
    const bool measuring = governor.state() == Governor::State::kMeasuring;
    if (measuring && !blocked) {
      for (uint32_t i = 0; i < options.floor; ++i)
        governor.enter();  // and waits for a connection, say: nobody else may enter
      blocked = true;
    }
    stretch = measuring ? stretch + (world.now - last) : Duration::zero();
    longest = std::max(longest, stretch);
    last = world.now;
  });
  CHECK(blocked);
  CHECK(longest < seconds(3));
}

TEST_CASE("governor: a peer that was away is learnt anew") {
  GovernorWorld world = quickWorld();
  world.setPeer(kSlow);
  world.run(seconds(5));
  Governor& governor = world.worker().governor;
  REQUIRE(governor.limiting());
  governor.reset();
  CHECK_FALSE(governor.limiting());
  CHECK_FALSE(governor.baseline());
  CHECK(governor.mayEnter(world.now));
  // Whoever was sent before says nothing of what it is now.
  world.setPeer(kQuick);
  world.run(seconds(10));
  REQUIRE(governor.baseline());
  CHECK(*governor.baseline() < milliseconds(5));
  CHECK_FALSE(governor.limiting());
}

TEST_CASE("governor: the baseline follows a change in load within the time given for that, both ways") {
  GovernorWorld world = quickWorld();
  const Governor& governor = world.worker().governor;
  ModelPeer busier = kQuick;
  busier.service = milliseconds(20);
  world.setPeer(busier);
  world.run(seconds(180));
  CHECK(world.worker().refused == 0);
  CHECK(*governor.baseline() > milliseconds(15));
  world.setPeer(kQuick);
  world.run(seconds(5));
  CHECK(*governor.baseline() < milliseconds(4));
}

TEST_CASE(
    "governor: a limit that was there for long is measured at the floor, and what is slow there is so by nature") {
  for (const uint32_t floor : {2U, 8U}) {
    CAPTURE(floor);
    GovernorOptions options;
    options.relearn = seconds(10);
    options.floor = floor;
    GovernorWorld world = quickWorld(options);
    world.load(0, 4000);
    world.run(seconds(5));
    world.load(0, 400);
    world.setPeer({.slots = 10'000, .service = milliseconds(120)});
    const Governor& governor = world.worker().governor;
    bool measured = false;
    uint32_t least = UINT32_MAX;
    world.run(seconds(30), [&] {
      least = std::min(least, governor.limit().value_or(UINT32_MAX));
      if (governor.state() != Governor::State::kMeasuring) return;
      measured = true;
      if (*governor.limit() != options.floor) FAIL("not at the floor");
    });
    CHECK(least == floor);
    CHECK((measured || floor == 8));  // what is at the floor as it is needs no cut
    CHECK(*governor.baseline() > milliseconds(40));
    CHECK_FALSE(governor.limiting());
  }
}

TEST_CASE("governor: two short slow spells are no limit that was there for long") {
  GovernorOptions options;
  options.relearn = seconds(10);
  options.floor = 2;
  GovernorWorld world(1, kQuick, options);
  world.load(0, 4000);
  world.run(seconds(5));
  const Governor& governor = world.worker().governor;
  bool measured = false;
  const auto watch = [&] { measured = measured || governor.state() == Governor::State::kMeasuring; };
  for (int i = 0; i < 2; ++i) {
    world.setPeer({.slots = 16, .service = milliseconds(80)});
    world.run(seconds(1), watch);
    world.setPeer(kQuick);
    world.run(seconds(10), watch);
    CHECK_FALSE(governor.limiting());
  }
  CHECK_FALSE(measured);
}
