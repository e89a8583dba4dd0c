// Goal: whatever the peer and its load are, a healthy peer is never refused anything, an overloaded one settles at what it
// can take, a slow one sheds within a second or two and is given back in seconds when it has recovered, workers come to
// equal shares, and nothing ends below the floor. Thousands of seeded peers.
#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <vector>

#include <doctest/doctest.h>

#include "governor_world.h"

using namespace peerpulse;
using namespace peerpulse::upstream;
using namespace peerpulse::upstream::test;

namespace {

/// GOVERNOR_SEEDS of them; a few in the everyday run.
uint64_t seeds() {
  const char* wanted = std::getenv("GOVERNOR_SEEDS");
  return wanted == nullptr ? 5 : std::strtoull(wanted, nullptr, 10);
}

/// Any peer that can answer 200 to 3,000 a second.
ModelPeer anyPeer(peerpulse::test::Random& random) {
  ModelPeer peer;
  peer.service = random.spread(microseconds(200), milliseconds(40));
  const double perSecond = 200 + random.below(2800);
  peer.slots = std::max<uint32_t>(1, static_cast<uint32_t>(perSecond * toSeconds(peer.service)));
  return peer;
}

template <typename Body>
void forSeeds(Body body, std::initializer_list<uint64_t> alsoThese = {}) {
  std::vector<uint64_t> all(alsoThese);
  for (uint64_t seed = 1; seed <= seeds(); ++seed)
    all.push_back(seed);
  for (const uint64_t seed : all) {
    CAPTURE(seed);
    peerpulse::test::Random random(seed);
    body(seed, random);
  }
}

}  // namespace

TEST_CASE("governor: a healthy peer is never refused anything, in bursts neither") {
  forSeeds([](uint64_t seed, peerpulse::test::Random& random) {
    GovernorWorld world(seed, anyPeer(random));
    for (int i = 0; i < 10; ++i) {
      world.load(0, std::min(2000.0, world.capacity()) * (1 + random.below(70)) / 100);
      world.run(random.spread(milliseconds(100), seconds(4)));
    }
    CHECK(world.worker().refused == 0);
    CHECK_FALSE(world.worker().governor.limiting());
  });
}

TEST_CASE("governor: under overload the limit stays in a band where the peer is busy and not slow for long" *
          doctest::test_suite("long")) {
  forSeeds([](uint64_t seed, peerpulse::test::Random& random) {
    GovernorWorld world(seed, anyPeer(random));
    const double capacity = world.capacity();
    world.load(0, capacity / 2);
    world.run(seconds(4));
    world.load(0, capacity * (150 + random.below(250)) / 100);
    world.run(seconds(10));
    const Governor& governor = world.worker().governor;
    CHECK(governor.limiting());
    uint32_t least = UINT32_MAX, most = 0;
    const uint64_t before = world.worker().answered;
    world.run(seconds(15), [&] {
      const uint32_t limit = governor.limit().value_or(UINT32_MAX);
      least = std::min(least, limit);
      most = std::max(most, limit);
    });
    CAPTURE(capacity);
    CAPTURE(toMillis(world.peer.service));
    CAPTURE(least);
    CAPTURE(most);
    CHECK(most <= 3 * least + world.options.floor);
    CHECK(static_cast<double>(world.worker().answered - before) >= 0.85 * 15 * capacity);
    // What the queue before the peer costs.
    const double knee = std::max<double>(world.options.floor, capacity * toSeconds(governor.threshold()));
    CHECK(most <= 1.6 * knee + 4);
  });
}

TEST_CASE("governor: a peer that becomes slow sheds soon, and gets its load back soon when it has recovered") {
  forSeeds([](uint64_t seed, peerpulse::test::Random& random) {
    GovernorWorld world(seed, anyPeer(random));
    const ModelPeer healthy = world.peer;
    const double rate = std::min(600.0, world.capacity() / 2);
    world.load(0, rate);
    world.run(seconds(4));
    REQUIRE(world.worker().refused == 0);
    ModelPeer slow = healthy;
    slow.service = std::max<Duration>(healthy.service * 40, milliseconds(400));
    slow.slots = std::max(1U, healthy.slots / 2);
    world.setPeer(slow);
    world.run(milliseconds(1500));
    const Governor& governor = world.worker().governor;
    const bool soon = governor.limiting();
    world.run(seconds(18));
    CAPTURE(rate);
    CAPTURE(toMillis(healthy.service));
    CAPTURE(healthy.slots);
    const bool overloaded = rate > 2 * world.capacity();
    if (overloaded) {
      CHECK(soon);
      CHECK(governor.limiting());
      CHECK(static_cast<double>(governor.inFlight()) < 1.5 * rate);
    }
    world.setPeer(healthy);
    world.run(seconds(10));  // what is on its way, at the old pace, is answered first
    const uint64_t then = world.worker().refused;
    world.run(seconds(10));
    CHECK(world.worker().refused == then);
    CHECK_FALSE(governor.limiting());
  });
}

TEST_CASE("governor: a peer that answers nothing is noticed by those who wait") {
  forSeeds([](uint64_t seed, peerpulse::test::Random& random) {
    GovernorWorld world(seed, anyPeer(random));
    const ModelPeer healthy = world.peer;
    const double rate = std::min(600.0, world.capacity() / 2);
    world.load(0, rate);
    world.run(seconds(4));
    ModelPeer stalled = healthy;
    stalled.stalled = true;
    world.setPeer(stalled);
    world.run(seconds(2));
    const Governor& governor = world.worker().governor;
    CAPTURE(rate);
    CHECK(governor.limiting());
    const uint32_t inFlight = governor.inFlight();
    world.run(seconds(20));
    CHECK(governor.inFlight() == inFlight);
    world.setPeer(healthy);
    world.run(seconds(6));
    const uint64_t then = world.worker().refused;
    world.run(seconds(6));
    CHECK(world.worker().refused == then);
  });
}

TEST_CASE("governor: workers that share a slow peer come to like shares" * doctest::test_suite("long")) {
  forSeeds([](uint64_t seed, peerpulse::test::Random& random) {
    const ModelPeer model = anyPeer(random);
    GovernorWorld world(seed, model, {}, 2);
    const double capacity = world.capacity();
    world.load(0, capacity / 2);
    world.load(1, capacity / 10);
    world.run(seconds(4));
    // One begins with a multiple of the other's.
    world.load(0, capacity * 2);
    world.run(seconds(5));
    world.load(1, capacity * 2);
    world.run(seconds(20));
    const uint64_t a = world.worker(0).answered, b = world.worker(1).answered;
    world.run(seconds(20));
    const auto x = static_cast<double>(world.worker(0).answered - a);
    const auto y = static_cast<double>(world.worker(1).answered - b);
    CAPTURE(x);
    CAPTURE(y);
    CAPTURE(capacity);
    // Their baselines were learnt under different loads; where that makes no difference, shares are alike. None starves.
    const bool same = world.worker(0).governor.threshold() == world.worker(1).governor.threshold();
    CHECK(std::min(x, y) >= (same ? 0.5 : 0.04) * std::max(x, y));
  });
}

TEST_CASE("governor: a peer that answers slower for good is as it is within the time given for that" *
          doctest::test_suite("long")) {
  forSeeds(
      [](uint64_t seed, peerpulse::test::Random& random) {
        GovernorOptions options;
        options.relearn = seconds(10);
        ModelPeer far = anyPeer(random);
        far.slots = 100'000;
        GovernorWorld world(seed, far, options);
        world.load(0, 300);
        world.run(seconds(4));
        far.service = std::max<Duration>(far.service * 10, milliseconds(100 + random.below(400)));
        world.setPeer(far);
        world.run(seconds(10));
        CHECK(world.worker().governor.limiting());
        // The baseline may double each time.
        world.run(seconds(75));
        const uint64_t then = world.worker().refused;
        world.run(seconds(15));
        CHECK(world.worker().refused == then);
        CHECK_FALSE(world.worker().governor.limiting());
        CHECK(*world.worker().governor.baseline() > far.service / 3);
      },
      // One that is only just slow was let go and limited in turns; the others are at the floor already.
      {423, 39, 885});
}
