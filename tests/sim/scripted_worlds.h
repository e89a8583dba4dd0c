// What the scenarios of worlds with traffic have in common: a script for some seeds of a narrow world, and that a seed's run
// repeats.
#pragma once

#include <cstdint>
#include <cstdio>

#include <doctest/doctest.h>

#include "sanitized.h"
#include "world.h"

namespace peerpulse::sim {

/// Runs `setup` with seeds from 1; `script` does what is to befall the world, `look` at what it came to.
template <typename Script, typename Look>
void runWorlds(const WorldSetup& setup, uint64_t seeds, Script script, Look look) {
  World world;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    world.reset(setup, seed);
    script(world);
    world.finish();
    if (world.violation() != nullptr) world.printLog(stderr);
    REQUIRE_MESSAGE(world.violation() == nullptr, (world.violation() != nullptr ? world.violation() : ""));
    look(world.statistics());
  }
}

/// Whatever a world did before. `count`: of what the worlds are there for.
template <typename Count>
void checkRepeats(World::Kind kind, Duration duration, Count count) {
  World a;
  World b;
  for (uint64_t seed = 3; seed < 3 + worlds(3, 1); ++seed) {
    a.reset(seed, false, kind);
    b.reset(seed + 100, false, kind);
    b.runFor(seconds(1));
    b.reset(seed, false, kind);
    a.runFor(duration);
    b.runFor(duration);
    a.finish();
    b.finish();
    CHECK(a.digest() == b.digest());
    CHECK(count(a.statistics()) == count(b.statistics()));
  }
}

}  // namespace peerpulse::sim
