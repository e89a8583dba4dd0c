// Goal: what the fan-out API must do under callers, by name; every rule of checkers.h holds all the while, also while callers
// stop, are cut off and the process drains at the end. Method: narrow worlds of three peers in which what the name says happens
// all the time, some seeds each, so that the order of things varies.
#include <doctest/doctest.h>

#include "scripted_worlds.h"
#include "seed_run.h"

namespace peerpulse::sim {
namespace {

WorldSetup fanoutWorld(Trouble trouble) {
  WorldSetup setup = quietWorld(Profile::kLan, 3);
  setup.carry.on = true;
  setup.carry.trouble = trouble;
  setup.carry.options = carryOptions(true);
  setup.carry.clients = 0;
  FanoutSetup& fanout = setup.carry.fanout;
  fanout.on = true;
  fanout.callers = 3;
  fanout.options.replayLimit = 128 * 1024;
  fanout.options.erasureSets = {erasureSetOf(3, 2)};
  return setup;
}

template <typename Script, typename Look>
void runWorlds(const WorldSetup& setup, Script script, Look look) {
  SeedRun::silenceLog();
  runWorlds(setup, worlds(4, 1), script, look);
}

const auto kTenSeconds = [](World& world) { world.runFor(seconds(10)); };
const auto kSomeAnswers = [](const Statistics& s) { CHECK(s.operationAnswers > 50); };

TEST_CASE("fanout: all is well: each operation is answered, and nothing falls back") {
  WorldSetup setup = fanoutWorld(Trouble::kNone);
  setup.carry.fanout.timed = 0;
  runWorlds(setup, kTenSeconds, [](const Statistics& s) {
    CHECK(s.operations > 100);
    CHECK(s.operationAnswers == s.operations);
    CHECK(s.fallbacks == 0);
    CHECK(s.refused == 0);
  });
}

TEST_CASE("fanout: the same seed gives the same run") {
  SeedRun::silenceLog();
  checkRepeats(World::Kind::kFanout, seconds(3), [](const Statistics& s) { return s.operations; });
}

TEST_CASE("fanout: a peer that loses its power costs no quorum and no chunk") {
  WorldSetup setup = fanoutWorld(Trouble::kAny);
  setup.carry.fanout.timed = 0;
  runWorlds(
      setup,
      [](World& world) {
        world.runFor(seconds(3));
        world.strike(1, {FaultKind::kPowerCut, seconds(4), 0, {}});
        world.runFor(seconds(7));
      },
      [](const Statistics& s) {
        CHECK(s.operationAnswers == s.operations);
        CHECK(s.refused > 0);
        CHECK(s.fallbacks > 0);
      });
}

TEST_CASE("fanout: peers that answer early, break off and never answer are told from those that do not") {
  WorldSetup setup = fanoutWorld(Trouble::kPeers);
  PeerManners& odd = setup.carry.manners[2];
  odd.early = odd.breaksOff = odd.cutsShort = odd.fails = 20;
  odd.neverAnswers = 5;
  runWorlds(setup, kTenSeconds, [](const Statistics& s) {
    CHECK(s.operationSuccesses > 50);
    CHECK(s.fallbacks > 0);
  });
}

TEST_CASE("fanout: callers who go away leave nothing behind, and nobody is blamed") {
  WorldSetup setup = fanoutWorld(Trouble::kClients);
  setup.carry.fanout.leaves = 50;
  setup.carry.fanout.paced = 50;
  setup.carry.fanout.large = 5;
  runWorlds(setup, kTenSeconds, kSomeAnswers);
}

TEST_CASE("fanout: with little room what does not fit is refused, and the rest goes on") {
  WorldSetup setup = fanoutWorld(Trouble::kClients);
  setup.carry.fanout.options.memory = 200 * 1024;
  setup.carry.fanout.options.maxOperations = 3;
  setup.carry.fanout.leaves = 20;
  runWorlds(setup, kTenSeconds, [](const Statistics& s) { CHECK(s.operationSuccesses > 20); });
}

TEST_CASE("fanout: drained or cut off under way") {
  for (const FanoutEnding ending : {FanoutEnding::kDrained, FanoutEnding::kAborted}) {
    CAPTURE(toString(ending));
    WorldSetup setup = fanoutWorld(Trouble::kAny);
    setup.carry.manners[0].service = milliseconds(300);
    setup.carry.fanout.ending = ending;
    runWorlds(
        setup, [](World& world) { world.runFor(seconds(3)); }, [](const Statistics& s) { CHECK(s.operations > 20); });
  }
}

}  // namespace
}  // namespace peerpulse::sim
