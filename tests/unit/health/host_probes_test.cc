// Goal: peers that cannot be sent a PING every T: their hosts are asked by ICMP echoes where those are answered, their
// processes by requests, and what was never answered accuses nobody. Method: PeerHealth on virtual time.
#include <doctest/doctest.h>

#include "peerpulse/health/peer_health.h"
#include "simulated_peer.h"

namespace peerpulse::health {
namespace {

/// A peer without HTTP/2 whose host answers echoes.
struct Echoing : SimulatedPeer {
  explicit Echoing(ProbeOptions options = {}, uint32_t seed = 1) : SimulatedPeer(options, seed) {
    speaksHttp2 = false;
    answersEchoes = true;
  }
  void settle() {
    runFor(seconds(8));
    REQUIRE(verdict() == Verdict::kAlive);
    REQUIRE(health().rungs().host == HostMeans::kEcho);
  }
};

TEST_CASE("host probes: echoes that are answered take the place of connects, and a cut is found as soon") {
  for (const ProbeOptions& options : {ProbeOptions::lan(), ProbeOptions::fast(), ProbeOptions::wan()}) {
    for (uint32_t seed = 1; seed <= 30; ++seed) {
      Echoing sim(options, seed);
      sim.settle();
      CHECK((sim.health().rungs() == Rungs{ProbeMode::kL4, HostMeans::kEcho, ProcessMeans::kRequest}));
      const int connects = sim.connects, requests = sim.requests, echoes = sim.echoes;
      sim.runFor(seconds(10));
      CHECK(sim.connects == connects);
      CHECK(sim.requests - requests == 10);
      CHECK(sim.echoes - echoes >= seconds(10) / options.interval - 1);
      sim.runFor(milliseconds(7 * seed));
      sim.powered = false;
      const TimePoint cut = sim.now();
      REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(2)));
      CHECK(sim.now() - cut <= options.suspectAfter - options.interval / 8 + options.confirm + milliseconds(1));
      CHECK(sim.transitions().back().evidence.confirmConnects == options.confirmConnects);
      sim.powered = true;
      CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; },
                         2 * options.recoverInterval + milliseconds(15)));
      sim.runFor(milliseconds(100));
      CHECK(sim.health().rungs().host == HostMeans::kEcho);  // remembered
    }
  }
}

TEST_CASE("host probes: one that polices PINGs gets echoes and slow PINGs, and one connect a second") {
  SimulatedPeer sim;
  sim.polices = sim.answersEchoes = true;
  sim.runFor(seconds(5));
  CHECK((sim.health().rungs() == Rungs{ProbeMode::kSlowPing, HostMeans::kEcho, ProcessMeans::kPing}));
  const int connects = sim.connects, pings = sim.pings;
  sim.runFor(seconds(60));
  CHECK(sim.connects - connects <= 67);
  CHECK(sim.pings - pings == 6);
  CHECK(sim.count(Verdict::kSuspect) == 0);
  sim.kill();
  CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kRefusing; }, milliseconds(1001)));
}

TEST_CASE("host probes: a firewall that begins to drop echoes makes few suspicions, no death, and connects again" *
          doctest::test_suite("long")) {
  for (uint32_t seed = 1; seed <= 2; ++seed) {  // of 70 minutes each
    Echoing sim({}, seed);
    sim.settle();
    sim.answersEchoes = false;
    sim.runFor(seconds(600));
    CHECK(sim.count(Verdict::kDead) == 0);
    CHECK(sim.count(Verdict::kStalled) == 0);
    CHECK(sim.count(Verdict::kSuspect) <= 4);
    CHECK(sim.health().rungs().host == HostMeans::kConnect);
    CHECK(sim.echoes <= 1000);
    sim.answersEchoes = true;
    sim.runFor(seconds(3600));
    CHECK(sim.health().rungs().host == HostMeans::kEcho);
    CHECK(sim.count(Verdict::kSuspect) <= 4);
  }
}

TEST_CASE("host probes: a host that begins to answer a few echoes only is asked otherwise") {
  Echoing sim;
  sim.settle();
  sim.echoLossPercent = 80;
  sim.runFor(seconds(3600));
  CHECK(sim.count(Verdict::kDead) == 0);
  CHECK(sim.count(Verdict::kSuspect) <= 20);
  CHECK(sim.health().rungs().host == HostMeans::kConnect);
}

TEST_CASE("host probes: loss kills nobody, and does not take the echoes away") {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    Echoing sim({}, seed);
    sim.lossPercent = 5;
    sim.runFor(seconds(600));
    CHECK(sim.count(Verdict::kDead) == 0);
    CHECK(sim.health().rungs().host == HostMeans::kEcho);
  }
}

TEST_CASE("host probes: a paused process is alive by its host, stalled in time, and back with its answer") {
  for (const bool firewalled : {false, true}) {
    Echoing sim;
    sim.hostAnswers = !firewalled;
    sim.settle();
    sim.running = false;
    const TimePoint stopped = sim.now();
    REQUIRE(sim.runUntil([&] { return sim.verdict() != Verdict::kAlive; }, seconds(12)));
    CHECK(sim.verdict() == Verdict::kStalled);
    CHECK(sim.now() - stopped >= seconds(10));
    CHECK(sim.now() - stopped <= milliseconds(11'010));
    REQUIRE(sim.runUntil([&] { return sim.circuit() == CircuitState::kOpen; }, seconds(21)));
    const int connects = sim.connects;
    sim.runFor(seconds(60));
    CHECK(sim.connects == connects);  // nothing piles up in its accept queue
    sim.resume();
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, milliseconds(10)));
    CHECK(sim.circuit() == CircuitState::kClosed);
    CHECK(sim.count(Verdict::kDead) == 0);
    CHECK(sim.count(Verdict::kSuspect) == 0);
    sim.running = false;
    sim.runFor(seconds(5));
    sim.powered = false;
    CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, milliseconds(66)));
  }
}

TEST_CASE("host probes: data proves the process, whatever becomes of a request") {
  Echoing sim;
  sim.settle();
  sim.answersRequests = false;
  for (int i = 0; i < 30; ++i) {
    sim.dataHeard = sim.now();
    sim.runFor(seconds(1));
  }
  CHECK(sim.verdict() == Verdict::kAlive);
  CHECK(sim.transitions().size() == 1);
}

TEST_CASE("host probes: what never answered a request is not stalled for it") {
  Echoing sim;
  sim.answersRequests = false;
  sim.settle();
  CHECK((sim.health().rungs() == Rungs{ProbeMode::kL4, HostMeans::kEcho, ProcessMeans::kConnect}));
  const int connects = sim.connects;
  sim.runFor(seconds(60));
  CHECK(sim.transitions().size() == 1);
  CHECK(sim.connects - connects == 60);
  SUBCASE("its process ends") {
    sim.kill();
    CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kRefusing; }, milliseconds(1001)));
  }
  SUBCASE("it does not accept any more") {
    sim.acceptQueueFull = true;
    CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kStalled; }, milliseconds(11'010)));
    CHECK(sim.count(Verdict::kSuspect) == 0);
    sim.acceptQueueFull = false;
    CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, milliseconds(1001)));
  }
}

TEST_CASE("host probes: a kept connection that its path forgot is replaced, and the process is not blamed") {
  Echoing sim;
  sim.settle();
  const int opens = sim.opens;
  sim.forgetConnection();
  sim.runFor(seconds(5));
  CHECK(sim.opens == opens + 1);
  CHECK(sim.transitions().size() == 1);
  const int requests = sim.requests;
  sim.runFor(seconds(5));
  CHECK(sim.requests - requests == 5);
}

TEST_CASE("host probes: so is one whose request the path took, and the answer not") {
  Echoing sim;
  sim.settle();
  const int requests = sim.requests;
  sim.runUntil([&] { return sim.requests > requests; }, seconds(2));
  sim.runFor(sim.oneWay + microseconds(10));  // it has been read
  sim.forgetConnection();
  sim.inject(Tick{});
  sim.runFor(seconds(15));
  CHECK(sim.count(Verdict::kStalled) == 0);
  CHECK(sim.verdict() == Verdict::kAlive);
}

TEST_CASE("host probes: a process that is killed refuses at once") {
  Echoing sim;
  sim.settle();
  sim.kill();
  CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kRefusing; }, milliseconds(5)));
}

/// A peer of a host that answers on its own port and nowhere else.
struct Firewalled : SimulatedPeer {
  explicit Firewalled(bool answering, uint32_t seed = 1) : SimulatedPeer({}, seed) {
    speaksHttp2 = hostAnswers = false;
    answersRequests = answering;
    runFor(seconds(10));
    REQUIRE(verdict() == Verdict::kAlive);
    REQUIRE(health().rungs().host == HostMeans::kConnect);
    REQUIRE(openSockets() == 1);
  }
  /// Its process stops, and our connects fill its accept queue.
  void pause() {
    running = false;
    runFor(milliseconds(2580));
    acceptQueueFull = true;
  }
  void goOn() {
    acceptQueueFull = false;
    resume();
  }
};

TEST_CASE("host probes: behind a firewall a process that pauses is not dead, though its accept queue is full" *
          doctest::test_suite("long")) {
  for (const bool requests : {true, false}) {
    CAPTURE(requests);
    for (uint32_t seed = 1; seed <= 20; ++seed) {
      Firewalled sim(requests, seed);
      sim.runFor(milliseconds(37) * seed);
      for (int i = 0; i < 10; ++i) {
        sim.pause();
        sim.runFor(milliseconds(3420));
        CHECK(sim.verdict() == Verdict::kAlive);
        sim.goOn();
        sim.runFor(seconds(5));
      }
      CHECK(sim.count(Verdict::kDead) == 0);
      CHECK(sim.count(Verdict::kStalled) == 0);
      CHECK(sim.count(Verdict::kSuspect) <= 10);
      sim.pause();
      REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kStalled; }, seconds(11)));
      sim.runFor(seconds(60));
      CHECK(sim.count(Verdict::kDead) == 0);
      CHECK(sim.count(Verdict::kSuspect) <= 11);
      sim.goOn();
      CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, milliseconds(30)));
    }
  }
}

TEST_CASE(
    "host probes: behind a firewall a cut is found as soon as ever, or a second later while its queue is full") {
  for (const bool requests : {true, false}) {
    for (const bool full : {false, true}) {
      CAPTURE(requests);
      CAPTURE(full);
      for (uint32_t seed = 1; seed <= 20; ++seed) {
        Firewalled sim(requests, seed);
        sim.runFor(milliseconds(37) * seed);
        if (full) {
          sim.pause();
          sim.runFor(milliseconds(70) * seed);
        }
        sim.powered = false;
        const TimePoint cut = sim.now();
        REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(5)));
        CHECK(sim.now() - cut <= (full ? milliseconds(2300) : milliseconds(300)));
      }
    }
  }
}

TEST_CASE("host probes: between two connections nobody can be asked, and a pause is no death there") {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    Firewalled sim(true, seed);
    for (int i = 0; i < 10; ++i) {
      sim.runFor(milliseconds(137) * seed);
      sim.running = false;
      sim.acceptQueueFull = true;
      sim.closeConnection();  // as a server of HTTP/1.0 after each answer
      sim.runFor(seconds(6));
      CHECK(sim.count(Verdict::kDead) == 0);
      sim.goOn();
      sim.runFor(seconds(5));
      REQUIRE(sim.verdict() == Verdict::kAlive);
    }
    sim.powered = false;
    const TimePoint cut = sim.now();
    sim.inject(Tick{});
    sim.closeConnection();
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(15)));
    CHECK(sim.now() - cut <= PeerHealth::kBlindPatience + milliseconds(100));
  }
}

TEST_CASE(
    "host probes: behind a firewall a server that keeps no connection keeps an idle one, and a cut is found at "
    "once") {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SimulatedPeer sim({}, seed);
    sim.speaksHttp2 = sim.hostAnswers = false;
    sim.closesAfterEach = true;
    sim.runFor(seconds(10));
    REQUIRE(sim.openSockets() == 1);
    CHECK((sim.health().rungs() == Rungs{ProbeMode::kL4, HostMeans::kConnect, ProcessMeans::kConnect}));
    const int requests = sim.requests;
    CHECK(requests <= 4);
    sim.runFor(seconds(60));
    CHECK(sim.requests == requests);
    sim.runFor(milliseconds(37) * seed);
    sim.running = false;
    sim.acceptQueueFull = true;
    sim.runFor(seconds(6));
    sim.acceptQueueFull = false;
    sim.running = true;
    sim.runFor(seconds(5));
    CHECK(sim.count(Verdict::kDead) == 0);
    sim.powered = false;
    const TimePoint cut = sim.now();
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(2)));
    CHECK(sim.now() - cut <= milliseconds(100));
  }
}

TEST_CASE(
    "host probes: a connection of which only the SYN was taken is drawn, and its silence to a request is none") {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    for (const Duration wait : {milliseconds(0), milliseconds(500), milliseconds(990)}) {
      CAPTURE(wait.count());
      Firewalled sim(true, seed);
      for (int i = 0; i < 5; ++i) {
        const int opens = sim.opens;
        sim.halfOpen = true;
        sim.closeConnection();
        REQUIRE(sim.runUntil([&] { return sim.opens > opens; }, seconds(2)));
        sim.runFor(wait + 3 * sim.oneWay);
        sim.running = false;
        sim.acceptQueueFull = true;
        sim.runFor(seconds(6));
        CHECK(sim.count(Verdict::kDead) == 0);
        sim.halfOpen = false;
        sim.goOn();
        sim.runFor(seconds(15));
        REQUIRE(sim.verdict() == Verdict::kAlive);
      }
    }
  }
}

TEST_CASE("host probes: the kept connection has its time from when it was really asked, and one loss is no death" *
          doctest::test_suite("long")) {
  for (const bool late : {true, false}) {
    CAPTURE(late);
    for (uint32_t seed = 1; seed <= 20; ++seed) {
      Firewalled sim(false, seed);
      if (late) sim.timerLate = milliseconds(120);
      for (int i = 0; i < 5; ++i) {
        sim.runFor(milliseconds(137) * seed);
        sim.running = false;
        sim.acceptQueueFull = true;
        if (!late) sim.loseDraws = 1;
        sim.runFor(seconds(4));
        CHECK(sim.count(Verdict::kDead) == 0);
        sim.goOn();
        sim.runFor(seconds(5));
        REQUIRE(sim.verdict() == Verdict::kAlive);
      }
    }
  }
}

TEST_CASE("host probes: as long as nobody knows what else a host answers, its full accept queue is no death" *
          doctest::test_suite("long")) {
  for (const bool polices : {true, false}) {
    CAPTURE(polices);
    for (uint32_t seed = 1; seed <= 20; ++seed) {
      SimulatedPeer sim({}, seed);
      sim.speaksHttp2 = sim.polices = polices;
      sim.hostAnswers = false;
      sim.runFor(seconds(5));
      for (int i = 1; i < 10; ++i) {
        sim.kill();
        REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kRefusing; }, seconds(2)));
        sim.start();
        REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, seconds(2)));
        sim.runFor(milliseconds(200) * i);
        sim.acceptQueueFull = true;
        sim.running = false;
        sim.runFor(seconds(6));
        CHECK(sim.count(Verdict::kDead) == 0);
        sim.acceptQueueFull = false;
        sim.resume();
        sim.runFor(seconds(15));
        REQUIRE(sim.verdict() == Verdict::kAlive);
      }
    }
  }
}

TEST_CASE("host probes: a host that has answered every echo so far is found dead in its first second as later") {
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    Echoing sim({}, seed);
    sim.hostAnswers = false;
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, seconds(1)));
    sim.runFor(milliseconds(10) + milliseconds(7) * seed);
    REQUIRE_FALSE(sim.health().rungs().host == HostMeans::kEcho);
    sim.powered = false;
    const TimePoint cut = sim.now();
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(2)));
    CHECK(sim.now() - cut <= milliseconds(100));
  }
}

TEST_CASE(
    "host probes: in its first second one that answers some echoes only is not dead for its full accept queue") {
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    Echoing sim({}, seed);
    sim.hostAnswers = false;
    sim.echoLossPercent = 60;
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, seconds(1)));
    sim.runFor(milliseconds(200) + milliseconds(7) * seed);
    sim.acceptQueueFull = true;
    sim.running = false;
    sim.runFor(seconds(6));
    CHECK(sim.count(Verdict::kDead) == 0);
  }
}

TEST_CASE("host probes: the trial of the other port leaves a confirm its own questions there") {
  SimulatedPeer sim(ProbeOptions::wan());
  sim.speaksHttp2 = false;
  sim.oneWay = milliseconds(25);
  sim.runFor(seconds(20));
  for (int i = 0; i < 60; ++i) {
    CAPTURE(i);
    for (int outage = 0; outage < 2; ++outage) {  // with the second the trial of the first one begins anew
      sim.kill();
      REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kRefusing; }, seconds(1)));
      sim.start();
      REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, seconds(2)));
      sim.runFor(milliseconds(300));
    }
    sim.runFor(milliseconds(10) * i);
    sim.acceptQueueFull = true;
    sim.runFor(seconds(2));
    CHECK(sim.count(Verdict::kDead) == 0);
    sim.acceptQueueFull = false;
    sim.runFor(seconds(5));
    REQUIRE(sim.verdict() == Verdict::kAlive);
  }
}

TEST_CASE("host probes: each change of the means is told once") {
  Echoing sim;
  sim.settle();
  REQUIRE(sim.rungChanges.size() == 2);
  CHECK((sim.rungChanges[0].to == Rungs{ProbeMode::kL4, HostMeans::kConnect, ProcessMeans::kRequest}));
  CHECK((sim.rungChanges[1].to == Rungs{ProbeMode::kL4, HostMeans::kEcho, ProcessMeans::kRequest}));
  sim.runFor(seconds(60));
  CHECK(sim.rungChanges.size() == 2);
}

}  // namespace
}  // namespace peerpulse::health
