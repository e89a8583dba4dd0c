// Goal: the composed health of one peer against a simulated one, on virtual time: detection and recovery
// within their bounds, never death while the kernel answers, legal transitions only, no spinning (the
// simulation checks the last two after every step).
#include "peerpulse/health/peer_health.h"

#include <cerrno>

#include <doctest/doctest.h>

#include "simulated_peer.h"

namespace peerpulse::health {
namespace {

constexpr Duration kTick = milliseconds(1);

TEST_CASE("peer_health: a healthy peer is alive within T and never suspected") {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SimulatedPeer sim({}, seed);
    CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, milliseconds(21)));
    sim.runFor(seconds(10));
    CHECK(sim.transitions().size() == 1);
    CHECK(sim.pings >= 498);
    CHECK(sim.pings <= 502);
    CHECK(sim.opens == 1);
    CHECK(sim.connects == 1);
  }
}

TEST_CASE("peer_health: power cut to dead within S + C, from any phase, in every profile") {
  for (const ProbeOptions& options : {ProbeOptions::lan(), ProbeOptions::fast(), ProbeOptions::wan()}) {
    for (int i = 0; i < 50; ++i) {
      SimulatedPeer sim(options, static_cast<uint32_t>(i));
      sim.hostAnswers = i % 2 == 0;
      sim.runFor(seconds(1) + i * options.interval / 50);
      sim.powered = false;
      const TimePoint cut = sim.now();
      REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(2)));
      const Duration took = sim.now() - cut;
      CHECK(took <= options.suspectAfter + options.confirm + kTick);
      CHECK(took >= options.suspectAfter + options.confirm - options.interval - kTick);
      const Transition& last = sim.transitions().back();
      CHECK(last.to.circuit == CircuitState::kOpen);
      CHECK(last.to.reason == Reason::kProbeSilence);
      CHECK(last.evidence.confirmConnects == options.confirmConnects);
      CHECK(last.evidence.silence == options.suspectAfter + options.confirm);
      CHECK(last.evidence.pingsOutstanding >= 2);
      CHECK(last.lastEvidence <= cut + kTick);
    }
  }
}

TEST_CASE("peer_health: power cut on a long path") {
  for (int i = 0; i < 20; ++i) {
    SimulatedPeer sim({}, static_cast<uint32_t>(i));
    sim.oneWay = milliseconds(25);
    sim.runFor(seconds(5) + milliseconds(i));
    REQUIRE(sim.verdict() == Verdict::kAlive);
    CHECK(sim.count(Verdict::kSuspect) == 0);
    CHECK(sim.count(Verdict::kDead) == 0);
    sim.powered = false;
    const TimePoint cut = sim.now();
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(2)));
    CHECK(sim.now() - cut <= milliseconds(220));
    sim.runFor(seconds(3));
    sim.powered = true;
    const TimePoint back = sim.now();
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, seconds(2)));
    CHECK(sim.now() - back <= milliseconds(250));
  }
}

TEST_CASE("peer_health: a peer dead from the start is dead within 100 ms and recovers, even on a long path") {
  for (const Duration oneWay : {Duration(microseconds(100)), Duration(milliseconds(60))}) {
    SimulatedPeer sim;
    sim.oneWay = oneWay;
    sim.powered = false;
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, milliseconds(101)));
    CHECK(sim.count(Verdict::kSuspect) == 0);
    sim.runFor(seconds(30));
    sim.powered = true;
    CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, milliseconds(1500)));
  }
}

TEST_CASE("peer_health: recovery has a fixed cadence, whatever the outage's length") {
  for (const Duration outage : {Duration(milliseconds(200)), Duration(seconds(5)), Duration(seconds(600))}) {
    SimulatedPeer sim;
    sim.runFor(seconds(1));
    sim.powered = false;
    sim.runFor(outage);
    REQUIRE(sim.verdict() == Verdict::kDead);
    sim.powered = true;
    const TimePoint back = sim.now();
    REQUIRE(sim.runUntil([&] { return sim.circuit() == CircuitState::kClosed; }, seconds(1)));
    CHECK(sim.now() - back <= milliseconds(27));
    CHECK(sim.maxOutageSockets <= 2);  // the attempt, and the patient one
    const auto seconds = std::chrono::duration<double>(outage).count();
    CHECK(sim.connects <= 10 + static_cast<int>(seconds * 52));
  }
}

TEST_CASE("peer_health: a killed process is refusing at once, its host's death then dead, its return alive") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  sim.kill();
  const TimePoint killed = sim.now();
  REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kRefusing; }, milliseconds(10)));
  CHECK(sim.now() - killed <= kTick);
  CHECK(sim.transitions().back().to.reason == Reason::kConnectRefused);
  CHECK(sim.transitions().back().evidence.error == ECONNREFUSED);
  CHECK(sim.count(Verdict::kSuspect) == 0);
  sim.runFor(seconds(5));
  CHECK(sim.verdict() == Verdict::kRefusing);
  SUBCASE("start") {}
  SUBCASE("cut") {
    sim.powered = false;
    CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, milliseconds(100)));
    sim.runFor(seconds(2));
    sim.powered = true;
    CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kRefusing; }, milliseconds(27)));
  }
  sim.start();
  CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, milliseconds(27)));
  CHECK(sim.circuit() == CircuitState::kClosed);
}

TEST_CASE("peer_health: ordinary closes and GOAWAYs change no verdict, and are not hammered") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  for (int i = 0; i < 10; ++i) {
    sim.closeConnection();
    sim.runFor(milliseconds(100));
  }
  CHECK(sim.transitions().size() == 1);
  CHECK(sim.opens == 11);
  CHECK(sim.health().mode() == ProbeMode::kFastPing);
}

TEST_CASE("peer_health: a close followed by silence is judged by the same clock") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  sim.closeConnection();
  sim.powered = false;
  const TimePoint cut = sim.now();
  REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(1)));
  CHECK(sim.now() - cut <= milliseconds(66));
}

TEST_CASE("peer_health: a process paused for 300 ms every 2 s is never dead, its circuit never open") {
  for (const unsigned loss : {0u, 1u}) {
    SimulatedPeer sim({}, 7 + loss);
    sim.lossPercent = loss;
    for (int i = 0; i < 300; ++i) {
      sim.runFor(milliseconds(1700));
      sim.running = false;
      sim.runFor(milliseconds(300));
      sim.resume();
    }
    CHECK(sim.count(Verdict::kDead) == 0);
    CHECK(sim.count(Verdict::kStalled) == 0);
    CHECK(sim.circuit() == CircuitState::kClosed);
    if (loss == 0) CHECK(sim.count(Verdict::kSuspect) <= 300);  // once per pause at most
  }
}

TEST_CASE("peer_health: a process stopped for 6 s stays alive by its kernel, without bursts of SYNs") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  sim.running = false;
  sim.runFor(seconds(6));
  CHECK(sim.verdict() == Verdict::kAlive);
  CHECK(sim.confirmBursts <= 2);
  CHECK(sim.count(Verdict::kSuspect) <= 2);
  CHECK(sim.opens == 1);
  sim.resume();
  sim.runFor(seconds(2));
  CHECK(sim.verdict() == Verdict::kAlive);
  CHECK(sim.confirmBursts <= 2);
  for (const Transition& t : sim.transitions())
    CHECK(t.to.circuit == CircuitState::kClosed);
}

TEST_CASE("peer_health: stalled after 10 s, open after 30 s, alive with the first answer") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  sim.running = false;
  const TimePoint stopped = sim.now();
  REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kStalled; }, seconds(11)));
  CHECK(sim.now() - stopped >= seconds(10));
  CHECK(sim.circuit() == CircuitState::kClosed);
  const Evidence why = sim.transitions().back().evidence;
  REQUIRE(why.processSilence.has_value());  // the process's, not the kernel's: that one acknowledges all the time
  CHECK(*why.processSilence >= seconds(10));
  CHECK(*why.processSilence <= sim.now() - stopped + milliseconds(50));
  CHECK(why.silence < seconds(3));
  REQUIRE(sim.runUntil([&] { return sim.circuit() == CircuitState::kOpen; }, seconds(21)));
  CHECK(sim.now() - stopped >= seconds(30));
  CHECK(sim.now() - stopped <= milliseconds(30'100));
  CHECK(sim.health().word().reason == Reason::kProcessStalled);
  sim.runFor(seconds(600));
  CHECK(sim.count(Verdict::kDead) == 0);
  CHECK(sim.pings < 1200);  // slowed
  CHECK(sim.health().outstanding() <= ProbePlan::kMaxOutstanding);
  sim.resume();
  REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, seconds(1)));
  CHECK(sim.circuit() == CircuitState::kClosed);
  const int suspects = sim.count(Verdict::kSuspect);
  sim.runFor(seconds(5));
  CHECK(sim.count(Verdict::kSuspect) == suspects);  // the full rate is back at once
}

TEST_CASE("peer_health: a stopped process on a host that then dies is dead within a second") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  sim.running = false;
  sim.runFor(seconds(2));
  sim.powered = false;
  CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, milliseconds(400)));
}

TEST_CASE("peer_health: a stopped prober opens nothing, a dead peer is found soon after it wakes") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  for (int i = 0; i < 50; ++i) {
    sim.runFor(milliseconds(500) + milliseconds(i));
    sim.proberRunning = false;
    sim.runFor(milliseconds(300));
    sim.resumeProber();
  }
  CHECK(sim.count(Verdict::kDead) == 0);
  CHECK(sim.count(Verdict::kSuspect) == 0);
  sim.proberRunning = false;
  sim.powered = false;
  sim.runFor(milliseconds(300));
  sim.resumeProber();
  CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, milliseconds(100)));
}

TEST_CASE("peer_health: the prober stopped in the middle of a confirm") {
  for (int ms = 0; ms < 80; ++ms) {
    SimulatedPeer sim;
    sim.runFor(seconds(1));
    sim.powered = false;
    sim.runFor(milliseconds(ms));
    if (sim.verdict() == Verdict::kDead) continue;
    sim.powered = true;
    sim.proberRunning = false;
    sim.runFor(milliseconds(400));
    sim.resumeProber();
    sim.runFor(milliseconds(500));
    CHECK(sim.count(Verdict::kDead) == 0);
    CHECK(sim.verdict() == Verdict::kAlive);
  }
}

TEST_CASE("peer_health: random loss of 1 % raises suspicions that are cleared, and no deaths") {
  SimulatedPeer sim({}, 42);
  sim.lossPercent = 1;
  sim.runFor(seconds(1800));
  CHECK(sim.count(Verdict::kSuspect) > 0);
  CHECK(sim.count(Verdict::kDead) == 0);
}

TEST_CASE("peer_health: data heard by workers needs no PINGs and is evidence") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  const int before = sim.pings;
  for (int i = 0; i < 1000; ++i) {
    sim.dataHeard = sim.now();
    sim.runFor(milliseconds(5));
  }
  CHECK(sim.pings - before <= 2);
  CHECK(sim.transitions().size() == 1);
  sim.powered = false;
  const TimePoint cut = sim.now();
  REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(1)));
  CHECK(sim.now() - cut <= milliseconds(66));
}

TEST_CASE("peer_health: a peer that polices PINGs goes down the ladder without losing its verdict") {
  SimulatedPeer sim;
  sim.polices = true;
  sim.runFor(seconds(5));
  CHECK(sim.health().mode() == ProbeMode::kSlowPing);
  CHECK(sim.goaways == 1);
  const int opens = sim.opens;
  const int pings = sim.pings;
  sim.runFor(seconds(3600));
  CHECK(sim.health().mode() == ProbeMode::kSlowPing);
  CHECK(sim.goaways == 1);                        // never a second one
  CHECK(sim.pings - pings <= 361);                // one every 10 s,
  CHECK(sim.pings - pings == sim.opens - opens);  // each on a connection of its own
  CHECK(sim.transitions().size() == 1);
  sim.powered = false;
  const TimePoint cut = sim.now();
  REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(1)));
  CHECK(sim.now() - cut <= milliseconds(66));
}

TEST_CASE("peer_health: slow PINGs: the connects in between find death and refusal") {
  SimulatedPeer sim;
  sim.polices = true;
  sim.runFor(seconds(3));
  sim.polices = false;
  REQUIRE(sim.health().mode() == ProbeMode::kSlowPing);
  sim.runFor(seconds(25));
  CHECK(sim.transitions().size() == 1);
  SUBCASE("cut") {
    sim.powered = false;
    const TimePoint cut = sim.now();
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(1)));
    CHECK(sim.now() - cut <= milliseconds(66));
    sim.powered = true;
  }
  SUBCASE("kill") {
    sim.kill();
    CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kRefusing; }, milliseconds(21)));
    sim.start();
  }
  CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, milliseconds(30)));
  CHECK(sim.health().mode() == ProbeMode::kSlowPing);
}

TEST_CASE("peer_health: a peer without HTTP/2 is probed by connects; its deaths, refusals and returns are found") {
  ProbeOptions options;
  SUBCASE("SYN-ACK is life") {}
  SUBCASE("health path") { options.healthPath = "/health"; }
  SimulatedPeer sim(options);
  sim.speaksHttp2 = false;
  sim.runFor(seconds(2));
  CHECK(sim.health().mode() == ProbeMode::kL4);
  CHECK(sim.opens == 2);  // one to be told so, and one that is kept
  CHECK(sim.transitions().size() == 1);
  sim.kill();
  CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kRefusing; }, milliseconds(21)));
  sim.start();
  CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, milliseconds(40)));
  sim.runFor(seconds(1));
  sim.powered = false;
  const TimePoint cut = sim.now();
  REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(1)));
  CHECK(sim.now() - cut <= milliseconds(66));
  sim.runFor(seconds(10));
  CHECK(sim.maxOutageSockets <= 2);
  if (!options.healthPath.empty()) {
    sim.healthStatus = 503;
    sim.powered = true;
    sim.runFor(seconds(2));
    CHECK(sim.verdict() == Verdict::kDead);
    sim.healthStatus = 403;
  }
  sim.powered = true;
  CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, milliseconds(130)));
}

TEST_CASE("peer_health: unreachable is silence, out of descriptors is our own fault") {
  SUBCASE("EHOSTUNREACH") {
    SimulatedPeer sim;
    sim.runFor(seconds(1));
    sim.powered = false;
    sim.connectErrno = EHOSTUNREACH;
    const TimePoint cut = sim.now();
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(1)));
    CHECK(sim.now() - cut <= milliseconds(66));
    CHECK(sim.transitions().back().evidence.error == EHOSTUNREACH);
    sim.runFor(seconds(10));
    CHECK(sim.connects <= 600);  // failing at once does not speed the cadence up
  }
  SUBCASE("EMFILE") {
    SimulatedPeer sim;
    sim.runFor(seconds(1));
    sim.powered = false;
    sim.connectErrno = EMFILE;
    const TimePoint cut = sim.now();
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(2)));
    CHECK(sim.now() - cut >= milliseconds(980));
    CHECK(sim.now() - cut <= milliseconds(1020));
    CHECK(sim.transitions().back().evidence.confirmConnects == 0);
  }
}

TEST_CASE("peer_health: what could not be asked is no silence, however long") {
  SUBCASE("connects to a peer without HTTP/2") {
    SimulatedPeer sim;
    sim.speaksHttp2 = false;
    sim.runFor(seconds(2));
    REQUIRE(sim.verdict() == Verdict::kAlive);
    const size_t before = sim.transitions().size();
    sim.connectErrno = EMFILE;
    sim.runFor(seconds(60));
    CHECK(sim.transitions().size() == before);
    sim.connectErrno = 0;
    sim.runFor(seconds(1));
    CHECK(sim.transitions().size() == before);
    sim.powered = false;
    CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(1)));
  }
  SUBCASE("the confirm alone, while the connects of the cadence are silent") {
    SimulatedPeer sim;
    sim.speaksHttp2 = false;
    sim.runFor(seconds(2));
    sim.powered = false;
    sim.runFor(milliseconds(30));
    sim.connectErrno = EADDRNOTAVAIL;
    sim.runFor(seconds(10));
    CHECK(sim.count(Verdict::kDead) == 0);
    sim.connectErrno = 0;
    CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(1)));
  }
  SUBCASE("the probe connection, once it has ended") {
    SimulatedPeer sim;
    sim.runFor(seconds(1));
    const size_t before = sim.transitions().size();
    sim.connectErrno = ENFILE;
    sim.closeConnection();
    sim.runFor(seconds(60));
    CHECK(sim.transitions().size() == before);
    CHECK(sim.verdict() == Verdict::kAlive);
  }
  SUBCASE("a peer never heard of stays unknown") {
    SimulatedPeer sim;
    sim.connectErrno = EMFILE;
    sim.runFor(seconds(60));
    CHECK(sim.verdict() == Verdict::kUnknown);
    CHECK(sim.circuit() == CircuitState::kClosed);
    sim.connectErrno = 0;
    CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kAlive; }, seconds(1)));
  }
  SUBCASE("a refusing peer stays refusing") {
    SimulatedPeer sim;
    sim.runFor(seconds(1));
    sim.kill();
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kRefusing; }, seconds(1)));
    sim.connectErrno = ENOBUFS;
    sim.runFor(seconds(60));
    CHECK(sim.verdict() == Verdict::kRefusing);
  }
}

TEST_CASE("peer_health: a stopped process owes an answer from S on, long before it is stalled, until it answers") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  CHECK_FALSE(sim.health().owesAnswer());
  sim.running = false;
  CHECK(sim.runUntil([&] { return sim.health().owesAnswer(); }, milliseconds(100)));
  sim.runFor(seconds(20));
  CHECK(sim.verdict() == Verdict::kStalled);
  CHECK(sim.health().owesAnswer());
  sim.resume();
  CHECK(sim.runUntil([&] { return !sim.health().owesAnswer(); }, milliseconds(100)));
}

TEST_CASE("peer_health: a peer that is gone owes nothing: its requests fail at once") {
  for (const bool powerCut : {true, false}) {
    SimulatedPeer sim;
    sim.runFor(seconds(1));
    if (powerCut) {
      sim.powered = false;
    } else {
      sim.kill();
    }
    sim.runFor(seconds(1));
    CHECK(sim.verdict() == (powerCut ? Verdict::kDead : Verdict::kRefusing));
    CHECK_FALSE(sim.health().owesAnswer());
  }
}

TEST_CASE("peer_health: a pause of our own is no stall of a peer that owed an answer when it began") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  sim.running = false;
  sim.runFor(milliseconds(100));
  sim.proberRunning = false;
  sim.runFor(seconds(15));
  sim.resumeProber();
  sim.runFor(milliseconds(50));
  CHECK(sim.count(Verdict::kStalled) == 0);
  sim.runFor(seconds(9));
  CHECK(sim.count(Verdict::kStalled) == 0);
  sim.runFor(seconds(2));
  CHECK(sim.verdict() == Verdict::kStalled);
}

TEST_CASE("peer_health: dense data that ends is missed sooner than PINGs, and pauses in it are no death") {
  for (int i = 0; i < 50; ++i) {
    SimulatedPeer sim({}, static_cast<uint32_t>(i));
    const auto flow = [&](Duration d) {
      for (const TimePoint end = sim.now() + d; sim.now() < end;) {
        sim.dataHeard = sim.now();
        sim.runFor(milliseconds(1));
      }
    };
    flow(seconds(1) + milliseconds(i));
    const int pings = sim.pings;
    flow(seconds(1));
    CHECK(sim.pings == pings);
    sim.runFor(milliseconds(30 + i));
    flow(seconds(1));
    CHECK(sim.count(Verdict::kSuspect) == 0);
    sim.powered = false;
    const TimePoint cut = sim.now();
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(1)));
    CHECK(sim.now() - cut <= milliseconds(50));
    CHECK(sim.now() - cut >= milliseconds(48));
  }
}

TEST_CASE("peer_health: PINGs of peers with the same phase leave together, whenever they connected") {
  const ProbeOptions options;
  for (const Duration phase : {Duration::zero(), Duration(milliseconds(7))}) {
    for (uint32_t seed = 1; seed <= 20; ++seed) {
      SimulatedPeer sim(options, seed, phase);
      sim.runFor(seconds(1));
      REQUIRE(sim.pings >= 48);
      TimePoint last = sim.pingTimes[0];
      for (size_t i = 1; i < sim.pingTimes.size(); ++i) {
        const TimePoint at = sim.pingTimes[i];
        CHECK((at.time_since_epoch() - phase) % options.interval == Duration::zero());
        CHECK(at - last >= options.interval / 2);
        CHECK(at - last <= 3 * options.interval / 2);
        last = at;
      }
    }
  }
}

TEST_CASE("peer_health: another program that comes back with HTTP/2 is probed by PINGs again") {
  SimulatedPeer sim;
  sim.speaksHttp2 = false;
  sim.runFor(seconds(2));
  REQUIRE(sim.health().mode() == ProbeMode::kL4);
  sim.kill();
  sim.runFor(seconds(1));
  SUBCASE("it has it") {
    sim.speaksHttp2 = true;
    sim.start();
    sim.runFor(seconds(1));
    CHECK(sim.health().mode() == ProbeMode::kFastPing);
    CHECK(sim.pings > 40);
  }
  SUBCASE("the same one: one attempt tells") {
    const int opens = sim.opens;
    sim.start();
    sim.runFor(seconds(1));
    CHECK(sim.health().mode() == ProbeMode::kL4);
    CHECK(sim.opens == opens + 2);  // and one that is kept
  }
  SUBCASE("one that says nothing at all to it") {
    sim.mute = true;
    sim.start();
    sim.runFor(seconds(2));
    CHECK(sim.health().mode() == ProbeMode::kL4);
  }
  CHECK(sim.verdict() == Verdict::kAlive);
  CHECK(sim.circuit() == CircuitState::kClosed);
  CHECK(sim.count(Verdict::kDead) == 0);
  CHECK(sim.count(Verdict::kStalled) == 0);
}

TEST_CASE("peer_health: kernels that acknowledge workers' uploads are evidence, and old or known ACKs are none") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  sim.forgetConnection();
  sim.acceptQueueFull = true;
  sim.hostAnswers = false;
  SUBCASE("uploads are acknowledged") {
    for (int i = 0; i < 100; ++i) {
      sim.dataKernelHeard = sim.now();
      sim.runFor(milliseconds(20));
    }
    CHECK(sim.count(Verdict::kDead) == 0);
    CHECK(sim.circuit() == CircuitState::kClosed);
  }
  SUBCASE("the last ACK is an old one") {
    sim.dataKernelHeard = sim.now();
    CHECK(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, milliseconds(100)));
  }
}

TEST_CASE("peer_health: a process that takes long to answer stretches no limit, a path that does stretches them") {
  for (const bool kernelToo : {false, true}) {
    SimulatedPeer sim;
    sim.kernelRtt = microseconds(200);
    sim.runFor(seconds(1));
    const DetectionLimits before = sim.health().limits();
    CHECK(before.silence == milliseconds(50));
    sim.oneWay = milliseconds(200);
    if (kernelToo) sim.kernelRtt = milliseconds(400);
    sim.runFor(seconds(20));
    CHECK(sim.health().rtt().smoothed() > milliseconds(300));
    const DetectionLimits after = sim.health().limits();
    CHECK((after.silence == before.silence) == !kernelToo);
    CHECK((after.confirm == before.confirm) == !kernelToo);
  }
}

TEST_CASE(
    "peer_health: a stopped process on a host that dies is found as soon as a running one if PINGs are sent again") {
  for (int i = 0; i < 50; ++i) {
    SimulatedPeer sim({}, static_cast<uint32_t>(i));
    sim.retransmitsQuickly = true;
    sim.runFor(seconds(2));
    sim.running = false;
    sim.runFor(milliseconds(100 + 7 * i));
    CHECK(sim.count(Verdict::kSuspect) == 0);
    sim.powered = false;
    const TimePoint cut = sim.now();
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(1)));
    CHECK(sim.now() - cut <= milliseconds(50 + 15 + 21 + 2));
  }
}

TEST_CASE("peer_health: a peer that comes back over a much longer path is found by two patient connects") {
  for (int i = 0; i < 20; ++i) {
    SimulatedPeer sim({}, static_cast<uint32_t>(i));
    sim.kernelRtt = microseconds(200);
    sim.runFor(seconds(2));
    sim.powered = false;
    sim.runFor(seconds(2) + milliseconds(50 * i));
    REQUIRE(sim.verdict() == Verdict::kDead);
    sim.powered = true;
    sim.oneWay = milliseconds(60);
    const TimePoint back = sim.now();
    REQUIRE(sim.runUntil([&] { return sim.circuit() == CircuitState::kClosed; }, seconds(10)));
    CHECK(sim.now() - back <= milliseconds(2600));
  }
}

TEST_CASE("peer_health: a host that dies right after its connection was opened anew is found as soon as any") {
  for (int i = 0; i < 20; ++i) {
    SimulatedPeer sim({}, static_cast<uint32_t>(i));
    sim.oneWay = milliseconds(30);
    sim.runFor(seconds(3) + milliseconds(i));
    sim.closeConnection();
    REQUIRE(sim.runUntil([&] { return sim.pings > 0 && sim.health().outstanding() == 1; }, seconds(1)));
    const DetectionLimits limits = sim.health().limits();
    sim.powered = false;
    const TimePoint cut = sim.now();
    REQUIRE(sim.runUntil([&] { return sim.verdict() == Verdict::kDead; }, seconds(1)));
    CHECK(sim.now() - cut <= limits.silence + limits.confirm + sim.oneWay + milliseconds(25));
  }
}

TEST_CASE("peer_health: ACKs of other epochs and of PINGs never sent count for nothing") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  sim.powered = false;
  for (int i = 0; i < 100; ++i) {
    sim.inject(PingAcked{1, 1});              // long answered
    sim.inject(PingAcked{1, 4'000'000'000});  // never sent
    sim.inject(PingAcked{0, 51});             // another connection's
    sim.inject(Received{0});
    sim.inject(Connected{0});
    sim.inject(Closed{0, 0, false});
    sim.runFor(milliseconds(1));
  }
  CHECK(sim.verdict() == Verdict::kDead);
}

TEST_CASE("peer_health: a connection that a middlebox forgot is replaced, the peer stays alive") {
  SimulatedPeer sim;
  sim.runFor(seconds(1));
  sim.inject(Received{1});
  sim.forgetConnection();
  sim.runFor(seconds(2));
  CHECK(sim.verdict() == Verdict::kAlive);
  CHECK(sim.count(Verdict::kDead) == 0);
  CHECK(sim.opens == 2);
  const size_t before = sim.transitions().size();
  sim.runFor(seconds(5));
  CHECK(sim.transitions().size() == before);
}

TEST_CASE("peer_health: seeded chaos keeps every invariant, and peace brings the peer back") {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    SimulatedPeer sim(seed % 2 == 0 ? ProbeOptions::lan() : ProbeOptions::fast(), seed);
    sim.lossPercent = seed % 4;
    uint32_t random = seed;
    for (int i = 0; i < 300; ++i) {
      random = random * 1664525u + 1013904223u;
      switch (random >> 28) {
        case 0: sim.powered = !sim.powered; break;
        case 1: sim.kill(); break;
        case 2: sim.start(); break;
        case 3: sim.running = false; break;
        case 4: sim.resume(); break;
        case 5: sim.proberRunning = false; break;
        case 6: sim.resumeProber(); break;
        case 7: sim.oneWay = microseconds(50 + (random >> 16) % 2000); break;
        case 8: sim.dataHeard = sim.now(); break;
        case 9: sim.acceptQueueFull = !sim.acceptQueueFull; break;
        case 10: sim.hostAnswers = !sim.hostAnswers; break;
        default: break;
      }
      sim.runFor(microseconds((random >> 8) % 200'000));
    }
    sim.powered = sim.listening = true;
    sim.acceptQueueFull = false;
    sim.lossPercent = 0;
    sim.resume();
    sim.resumeProber();
    CHECK(sim.runUntil([&] { return sim.circuit() == CircuitState::kClosed; }, seconds(3)));
    sim.runFor(seconds(2));
    CHECK(sim.verdict() == Verdict::kAlive);
  }
}

}  // namespace
}  // namespace peerpulse::health
