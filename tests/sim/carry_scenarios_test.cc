// Goal: what traffic through the real workers must do, by name; every rule of checkers.h holds all the while, also while
// clients stop, are cut off and the listeners drain at the end. Method: narrow worlds in which what the name says happens
// all the time, some seeds each, so that the order of things varies.
#include <doctest/doctest.h>

#include "scripted_worlds.h"

namespace peerpulse::sim {
namespace {

using health::CircuitState;
using health::Verdict;

uint64_t seedsOfEach() { return worlds(8, 1); }

template <typename Script, typename Look>
void runWorlds(const WorldSetup& setup, Script script, Look look) {
  runWorlds(setup, seedsOfEach(), script, look);
}

template <typename Script>
void runWorlds(const WorldSetup& setup, Script script) {
  runWorlds(setup, script, [](const Statistics& s) { CHECK(s.completed > 100); });
}

WorldSetup carryWorld(Trouble trouble) {
  WorldSetup setup = busyWorld(Profile::kLan, Duration::zero());
  setup.carry.trouble = trouble;
  setup.carry.clients = 4;
  if (trouble == Trouble::kClients) setup.carry.habits.hostile = 50;
  return setup;
}

const auto kTenSeconds = [](World& world) { world.runFor(seconds(10)); };

TEST_CASE("carry: honest clients of healthy peers: each request is answered") {
  runWorlds(carryWorld(Trouble::kNone), kTenSeconds, [](const Statistics& s) {
    CHECK(s.exchanges > 300);
    CHECK(s.completed == s.exchanges);
    CHECK(s.refused == 0);
  });
}

TEST_CASE("carry: with traffic too the same seed gives the same run") {
  checkRepeats(World::Kind::kCarry, seconds(10), [](const Statistics& s) { return s.exchanges; });
}

TEST_CASE("carry: hostile clients harm nobody but themselves") {
  runWorlds(carryWorld(Trouble::kClients), kTenSeconds);
}

// A slow reader holds the only connection; who waits for it must not blame the peer, which nobody has asked.
TEST_CASE("carry: a wait for our own limit is no failure of the peer") {
  WorldSetup setup = carryWorld(Trouble::kClients);
  setup.carry.options.pool.maxConnections = 1;
  setup.carry.options.pool.maxStreamsPerConnection = 2;
  const auto script = [](World& world) {
    world.runFor(seconds(20));
    CHECK(world.circuit(0) == CircuitState::kClosed);
  };
  runWorlds(setup, script, [](const Statistics& s) { CHECK(s.completed > 10); });
}

// An answer before the request's end, its last bytes still on their way when the client has sent the rest: the connection
// has then ended its output, and must notice all the same that nothing is left to do.
TEST_CASE("carry: early answers over narrow sockets leave no connection behind") {
  WorldSetup setup = carryWorld(Trouble::kPeers);
  setup.carry.manners[0].early = 60;
  setup.carry.manners[0].fails = 30;
  setup.carry.sockets = {4 * 1024, 4 * 1024};
  setup.carry.splitPercent = 40;
  runWorlds(setup, kTenSeconds);
}

// The client goes on sending, and its next request must be read.
TEST_CASE("carry: what a failed request did not send of its body is given back") {
  WorldSetup setup = carryWorld(Trouble::kAny);
  setup.carry.options.bufferLimit = 16 * 1024;
  runWorlds(setup, [](World& world) {
    for (int i = 0; i < 8; ++i) {
      world.runFor(seconds(1));
      world.strike(0, {FaultKind::kKill, milliseconds(400), 0, {}});
    }
    world.runFor(seconds(1));
  });
}

// All classes share how many connections may be opened at once.
TEST_CASE("carry: after an outage the room that one class leaves is the others'") {
  WorldSetup setup = busyWorld(Profile::kWan, Duration::zero());
  setup.carry.trouble = Trouble::kAny;
  setup.carry.clients = 12;
  setup.carry.manners[0].http2 = setup.peer[0].peer.speaksHttp2 = false;
  runWorlds(setup, [](World& world) {
    for (int i = 0; i < 5; ++i) {
      world.runFor(seconds(2));
      world.strike(0, {FaultKind::kPowerCut, seconds(1), 0, {}});
    }
    world.runFor(seconds(2));
    CHECK(world.statistics().ramped > 0);
  });
}

TEST_CASE("carry: a prober that is back tells of those who were let go to a dead peer meanwhile") {
  for (const proxy::OnDead onDead : {proxy::OnDead::kRespond, proxy::OnDead::kRefuse}) {
    WorldSetup setup = carryWorld(Trouble::kAny);
    setup.carry.onDead = onDead;
    runWorlds(setup, [](World& world) {
      world.runFor(seconds(1));
      world.strike(0, {FaultKind::kPowerCut, seconds(6), 0, {}});
      world.runFor(seconds(1));
      CHECK(world.circuit(0) == CircuitState::kOpen);
      world.strike(0, {FaultKind::kBlockProber, seconds(2), 0, {}});
      world.runFor(seconds(6));
      CHECK(world.statistics().failOpen > 0);
      CHECK(world.verdict(0) == Verdict::kAlive);
    });
  }
}

TEST_CASE("carry: a peer that refuses streams and goes away costs nobody an answer that can be had") {
  WorldSetup setup = carryWorld(Trouble::kPeers);
  setup.carry.manners[0].refuses = 20;
  setup.carry.manners[0].goesAway = 10;
  runWorlds(setup, kTenSeconds, [](const Statistics& s) { CHECK(s.retries > 0); });
}

TEST_CASE("carry: a firewall that forgets connections harms who was on them, for a moment, and no circuit") {
  WorldSetup setup = carryWorld(Trouble::kAny);
  setup.carry.clients = 8;
  const auto script = [](World& world) {
    for (int i = 0; i < 4; ++i) {
      world.runFor(seconds(3));
      world.strike(0, {FaultKind::kForget, milliseconds(1), 0, {}});
      for (int j = 0; j < 20; ++j) {
        world.runFor(milliseconds(100));
        CHECK(world.circuit(0) == CircuitState::kClosed);
      }
    }
  };
  runWorlds(setup, script, [](const Statistics& s) {
    CHECK(s.completed > 300);
    CHECK(s.refused == 0);
  });
}

TEST_CASE("carry: bodies that nobody takes do not pile up") {
  WorldSetup setup = carryWorld(Trouble::kClients);
  setup.carry.habits.hostile = 100;
  setup.carry.options.bufferLimit = 16 * 1024;
  runWorlds(setup, kTenSeconds, [](const Statistics& s) { CHECK(s.exchanges > 100); });
}

}  // namespace
}  // namespace peerpulse::sim
