// Goal: each rule of GuardPolicy, alone and against the others.
#include "peerpulse/guard/policy.h"

#include <string>
#include <utility>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::guard;
using health::Verdict;

namespace {

constexpr Decision kIdle{State::kIdle, Withheld::kNot};
constexpr Decision kRefused{State::kRefused, Withheld::kNot};
Decision withheld(Withheld why) { return {State::kWithheld, why}; }

/// A minute after the start; peers that live were heard `now`.
struct World {
  explicit World(size_t count, uint32_t maxPeers = 0, bool witness = false)
      : peers(count), policy(count, maxPeers, witness) {
    for (PeerView& peer : peers)
      peer = {true, Verdict::kAlive, false, now, start};
    (void)policy.decide(host, peers, start);
  }

  void die(size_t i, Duration silence = milliseconds(65)) {
    peers[i].verdict = Verdict::kDead;
    peers[i].lastHeard = now - silence;
  }
  Decision of(size_t i) { return policy.decide(host, peers, now)[i]; }

  const TimePoint start = TimePoint(seconds(1000));
  TimePoint now = start + seconds(60);
  HostView host;
  std::vector<PeerView> peers;
  GuardPolicy policy;
};

constexpr Verdict kVerdicts[] = {Verdict::kUnknown, Verdict::kAlive,    Verdict::kSuspect,
                                 Verdict::kDead,    Verdict::kRefusing, Verdict::kStalled};

}  // namespace

TEST_CASE("only a dead peer is refused") {
  World world(3);
  for (const Verdict verdict : kVerdicts) {
    world.die(0);
    world.peers[0].verdict = verdict;
    CHECK(world.of(0) == (verdict == Verdict::kDead ? kRefused : kIdle));
    CHECK(world.of(1) == kIdle);
  }
}

TEST_CASE("a peer that is not guarded is left alone, and vouches for this host's network") {
  World world(2);
  world.peers[0].guarded = false;
  world.die(1);
  CHECK(world.of(1) == kRefused);
  world.die(0);
  CHECK(world.of(0) == kIdle);
}

TEST_CASE("somebody else counts by his kernel's life, not by his process's") {
  for (const Verdict verdict : kVerdicts) {
    World world(2);
    world.die(0);
    world.peers[1].verdict = verdict;
    const bool lives = verdict == Verdict::kAlive || verdict == Verdict::kRefusing || verdict == Verdict::kStalled;
    CHECK(world.of(0) == (lives ? kRefused : withheld(Withheld::kNobodyElse)));
  }
}

TEST_CASE("another peer at its address lives: whose sockets are they?") {
  World world(3);
  world.die(0);
  world.peers[0].hostLives = true;
  CHECK(world.of(0) == withheld(Withheld::kHostLives));
  world.peers[0].hostLives = false;
  CHECK(world.of(0) == kRefused);
}

TEST_CASE("nobody else: a peer whose verdict is merely late does not count") {
  // This host was cut off 65 ms ago: everybody was heard for the last time within one interval of that.
  World world(3);
  world.die(0, milliseconds(65));
  world.peers[1].lastHeard = world.now - milliseconds(52);
  world.peers[2].lastHeard = world.now - milliseconds(46);
  CHECK(world.of(0) == withheld(Withheld::kNobodyElse));
  CHECK(world.of(1) == kIdle);
  // One that lives is heard again a few milliseconds later.
  world.peers[2].lastHeard = world.now - milliseconds(3);
  CHECK(world.of(0) == kRefused);
}

TEST_CASE("the own link is back: who returns a little later than another is not dead") {
  World world(3);
  for (PeerView& peer : world.peers)
    peer.verdict = Verdict::kDead;
  world.now += seconds(30);
  for (size_t i = 0; i < 3; ++i)
    CHECK(world.of(i) == withheld(Withheld::kNobodyElse));
  world.peers[1].verdict = Verdict::kAlive;
  world.peers[1].lastHeard = world.now;
  CHECK(world.of(0) == withheld(Withheld::kNobodyElse));
  world.now += milliseconds(999);
  world.peers[1].lastHeard = world.now;
  CHECK(world.of(0) == withheld(Withheld::kNobodyElse));
  world.peers[1].verdict = Verdict::kSuspect;  // for a moment
  CHECK(world.of(0) == withheld(Withheld::kNobodyElse));
  world.peers[1].verdict = Verdict::kAlive;
  world.now += milliseconds(1);
  CHECK(world.of(0) == kRefused);
}

TEST_CASE("the own link is back: who was suspect or stalled all the while is one of those that return") {
  for (const auto& each :
       {std::pair{milliseconds(300), Verdict::kSuspect}, std::pair{milliseconds(2600), Verdict::kSuspect},
        std::pair{milliseconds(2600), Verdict::kStalled}, std::pair{milliseconds(2600), Verdict::kRefusing}}) {
    const Duration outage = each.first;
    const Verdict verdict = each.second;
    CAPTURE(verdict);
    World world(2);
    world.die(0);
    world.peers[1].verdict = verdict;
    world.peers[1].lastHeard = world.now - milliseconds(60);
    const TimePoint back = world.now + outage;
    for (; world.now < back; world.now += milliseconds(20))
      CHECK(world.of(0) == withheld(Withheld::kNobodyElse));
    if (verdict == Verdict::kSuspect) world.peers[1].verdict = Verdict::kAlive;
    for (; world.now < back + milliseconds(990); world.now += milliseconds(20)) {
      world.peers[1].lastHeard = world.now;
      if (outage > seconds(1)) CHECK(world.of(0) == withheld(Withheld::kNobodyElse));
    }
    world.now += milliseconds(20);
    world.peers[1].lastHeard = world.now;
    CHECK(world.of(0) == kRefused);
  }
}

TEST_CASE("a kernel that answers after the verdict is no dead host's, whatever the process does") {
  World world(2);
  world.die(0);
  CHECK(world.of(0) == kRefused);
  const auto pass = [&](Duration time) {
    world.now += time;
    world.peers[1].lastHeard = world.now;
  };
  pass(seconds(5));
  world.peers[0].lastHeard = world.now;
  CHECK(world.of(0) == withheld(Withheld::kHeardSince));
  pass(milliseconds(999));
  CHECK(world.of(0) == withheld(Withheld::kHeardSince));
  pass(milliseconds(1));
  CHECK(world.of(0) == kRefused);
}

TEST_CASE("the first second, of a peer that was never heard too") {
  World world(2);
  world.die(0);
  world.peers[0].lastHeard = TimePoint();
  world.peers[0].knownSince = world.now - milliseconds(999);
  CHECK(world.of(0) == withheld(Withheld::kFirstSecond));
  world.peers[0].knownSince = world.now - milliseconds(1000);
  CHECK(world.of(0) == kRefused);
  CHECK(silenceOf(world.peers[0], world.now) == seconds(1));
}

TEST_CASE("this host is the suspect; its prober stands still; an operator says that traffic flows") {
  World world(3);
  world.die(0);
  world.host.suspect = true;
  CHECK(world.of(0) == withheld(Withheld::kLocalHealth));
  world.host.suspect = false;
  const auto pass = [&](Duration time) {
    world.now += time;
    world.peers[1].lastHeard = world.peers[2].lastHeard = world.now;
  };
  pass(milliseconds(999));  // the others of those that were cut off with us may come back a little later
  CHECK(world.of(0) == withheld(Withheld::kLocalHealth));
  pass(milliseconds(1));
  CHECK(world.of(0) == kRefused);
  world.host.proberStalled = true;
  CHECK(world.of(0) == withheld(Withheld::kProberStalled));
  world.host.proberStalled = false;
  world.peers[0].heldClosed = true;
  CHECK(world.of(0) == withheld(Withheld::kOperator));
}

TEST_CASE("whoever was refused is let go as soon as a reason has gone") {
  World world(3);
  world.die(0, seconds(10));
  CHECK(world.of(0) == kRefused);
  // Now the others fall silent: the own uplink.
  world.peers[1].verdict = world.peers[2].verdict = Verdict::kSuspect;
  CHECK(world.of(0) == withheld(Withheld::kNobodyElse));
  world.peers[1].verdict = Verdict::kAlive;
  CHECK(world.of(0) == kRefused);
  world.peers[0].verdict = Verdict::kAlive;
  CHECK(world.of(0) == kIdle);
}

TEST_CASE("all but one by default, and whoever is refused stays so") {
  World world(4);
  CHECK(world.policy.maxPeers() == 3);
  CHECK(World(1).policy.maxPeers() == 0);
  CHECK(World(1, 0, true).policy.maxPeers() == 1);

  World capped(4, 2);
  capped.die(1, milliseconds(65));
  capped.die(2, milliseconds(70));
  CHECK(capped.of(1) == kRefused);
  // A third one that is silent for longer than both does not push them out.
  capped.die(0, milliseconds(90));
  CHECK(capped.of(0) == withheld(Withheld::kMaxPeers));
  CHECK(capped.of(1) == kRefused);
  CHECK(capped.of(2) == kRefused);
  // One returns, and makes room.
  capped.peers[2].verdict = Verdict::kAlive;
  capped.peers[2].lastHeard = capped.now;
  CHECK(capped.of(0) == kRefused);
}

TEST_CASE("of those that die at once the ones that are silent for longest") {
  World world(4, 1);
  world.die(0, milliseconds(65));
  world.die(1, milliseconds(80));
  CHECK(world.of(1) == kRefused);
  CHECK(world.of(0) == withheld(Withheld::kMaxPeers));
}

TEST_CASE("the witness speaks where no peer can") {
  World world(1, 0, true);
  CHECK(world.of(0) == kIdle);
  CHECK_FALSE(world.policy.wantsWitness());
  world.die(0, milliseconds(60));
  CHECK(world.of(0) == withheld(Withheld::kNobodyElse));
  CHECK(world.policy.wantsWitness());
  SUBCASE("what he said before the silence was half over proves nothing") {
    world.host.witnessHeard = world.now - milliseconds(30);
    CHECK(world.of(0) == withheld(Withheld::kNobodyElse));
  }
  SUBCASE("who has just left a question unanswered may be behind the same link") {
    world.host.witnessHeard = world.now;
    world.host.witnessSilent = world.now - milliseconds(999);
    CHECK(world.of(0) == withheld(Withheld::kNobodyElse));
    world.host.witnessSilent = world.now - milliseconds(1000);
    CHECK(world.of(0) == kRefused);
  }
  SUBCASE("what he says now does, for a while") {
    world.host.witnessHeard = world.now;
    CHECK(world.of(0) == kRefused);
    CHECK(world.policy.wantsWitness());  // he is to be asked again
    world.now += GuardPolicy::kWitnessGood;
    world.peers[0].lastHeard = world.now - seconds(30);
    CHECK(world.of(0) == kRefused);
    world.now += milliseconds(1);
    CHECK(world.of(0) == withheld(Withheld::kNobodyElse));
  }
}

TEST_CASE("the witness is not asked while peers can say it") {
  World world(2, 0, true);
  world.die(0);
  CHECK(world.of(0) == kRefused);
  CHECK_FALSE(world.policy.wantsWitness());
}

TEST_CASE("names are distinct") {
  for (size_t a = 0; a < kWithheldReasons; ++a) {
    for (size_t b = a + 1; b < kWithheldReasons; ++b)
      CHECK(std::string(toString(static_cast<Withheld>(a))) != toString(static_cast<Withheld>(b)));
  }
}
