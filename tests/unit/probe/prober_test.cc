// Goal: the prober against real peers in processes of their own, over loopback: killed, stopped, silenced
// like a host without power, without HTTP/2, policing PINGs. Bounds are generous: what is exact is tested in
// tests/unit/health on virtual time.
#include "peerpulse/probe/prober.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <sys/resource.h>
#include <vector>

#include <doctest/doctest.h>

#include "peer_process.h"
#include "peerpulse/base/mutex.h"
#include "peerpulse/health/probe_mode.h"

namespace peerpulse::probe {
namespace {

using health::CircuitOverride;
using health::CircuitState;
using health::Outcome;
using health::Reason;
using health::Transition;
using health::Verdict;

/// For peers that go silent: their host is ours, and would answer for them.
health::ProbeOptions withoutHostChecks() {
  health::ProbeOptions options;
  options.confirmPort = 0;
  options.icmp = false;
  return options;
}

health::ProbeOptions withoutEchoes() {
  health::ProbeOptions options;
  options.icmp = false;
  return options;
}

class Log : public ProberCallbacks {
 public:
  void onTransition(const Transition& transition) override {
    const MutexLock lock(mutex_);
    transitions_.push_back(transition);
    changed_.notifyAll();
  }
  void onOwing(PeerId) override { owingChanges.fetch_add(1); }
  void onRungs(const health::RungChange&) override { rungChanges.fetch_add(1); }
  std::atomic<int> owingChanges{0};
  std::atomic<int> rungChanges{0};
  /// Waits for the first transition after `from` that `matches`.
  bool wait(const std::function<bool(const Transition&)>& matches, size_t from = 0, Transition* found = nullptr) {
    const TimePoint deadline = Clock::now() + seconds(20);
    const MutexLock lock(mutex_);
    for (size_t i = from;; ++i) {
      while (i >= transitions_.size()) {
        if (!changed_.waitUntil(mutex_, deadline) && i >= transitions_.size()) return false;
      }
      if (!matches(transitions_[i])) continue;
      if (found != nullptr) *found = transitions_[i];
      return true;
    }
  }
  size_t size() {
    const MutexLock lock(mutex_);
    return transitions_.size();
  }
  std::vector<Transition> all() {
    const MutexLock lock(mutex_);
    return transitions_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<Transition> transitions_ PP_GUARDED_BY(mutex_);
};

struct Probing {
  explicit Probing(const SocketAddress& address, health::ProbeOptions options = {})
      : prober({{PeerId{0}, "node2", address, std::move(options), &stats}}, adopted(table), log, 1) {
    prober.start();
  }
  /// As the configuration does.
  static health::CircuitTable& adopted(health::CircuitTable& table) {
    table.adopt(PeerId{0});
    return table;
  }
  bool waitVerdict(Verdict verdict, size_t from = 0, Transition* found = nullptr) {
    return log.wait([&](const Transition& t) { return t.to.verdict == verdict; }, from, found);
  }
  bool waitCircuit(CircuitState state, Reason reason, size_t from = 0) {
    return log.wait([&](const Transition& t) { return t.to.circuit == state && t.to.reason == reason; }, from);
  }
  /// For what has no transition to wait for: watches a condition, within bounds.
  static bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return false;
  }

  health::CircuitTable table{1};
  stats::ProbeStats stats;
  Log log;
  Prober prober;
};

TEST_CASE("prober: alive, killed: refusing, started again: alive") {
  PeerProcess peer("h2");
  Probing probing(peer.address());
  REQUIRE(probing.waitVerdict(Verdict::kAlive));
  for (int i = 0; i < 3; ++i) {
    size_t from = probing.log.size();
    peer.kill();
    Transition refused;
    REQUIRE(probing.waitVerdict(Verdict::kRefusing, from, &refused));
    CHECK(refused.to.circuit == CircuitState::kOpen);
    CHECK(refused.to.reason == Reason::kConnectRefused);
    CHECK(refused.evidence.error == ECONNREFUSED);
    CHECK(refused.to.generation == probing.table.load(PeerId{0}).generation);
    from = probing.log.size();
    peer.start();
    REQUIRE(probing.waitVerdict(Verdict::kAlive, from));
    // The third time within 10 s it is not trusted at once.
    CHECK(probing.table.load(PeerId{0}).circuit == (i < 2 ? CircuitState::kClosed : CircuitState::kOpen));
    REQUIRE(probing.log.wait([](const Transition& t) { return t.to.circuit == CircuitState::kClosed; }, from));
  }
  CHECK(probing.stats.deads.get() == 0);
  CHECK(probing.stats.pings.acked.get() > 0);
}

TEST_CASE("prober: a peer gone silent is dead, and back soon after") {
  PeerProcess peer("h2");
  Probing probing(peer.address(), withoutHostChecks());
  REQUIRE(probing.waitVerdict(Verdict::kAlive));
  std::vector<double> detection, recovery;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(Probing::eventually(
        [&, acked = probing.stats.pings.acked.get()] { return probing.stats.pings.acked.get() > acked + 5; }));
    std::this_thread::sleep_for(milliseconds(7 * i % 20));  // from every phase of the probes
    size_t from = probing.log.size();
    const TimePoint cut = peer.silence();
    Transition dead;
    REQUIRE(probing.waitVerdict(Verdict::kDead, from, &dead));
    detection.push_back(toMillis(dead.at - cut));
    CHECK(dead.to.reason == Reason::kProbeSilence);
    CHECK(dead.evidence.silence >= microseconds(62'500));  // S less T/8, and C
    // K is 4 without loss; on a busy host the kernel sends again what was only late, which is measured as loss.
    CHECK(dead.evidence.confirmConnects >= 4);
    CHECK(dead.evidence.confirmConnects <= 8);
    from = probing.log.size();
    const TimePoint back = peer.unsilence();
    Transition alive;
    REQUIRE(probing.waitVerdict(Verdict::kAlive, from, &alive));
    recovery.push_back(toMillis(alive.at - back));
  }
  std::sort(detection.begin(), detection.end());
  std::sort(recovery.begin(), recovery.end());
  MESSAGE("cut to dead ms: p50 " << detection[5] << " max " << detection[9] << "; back to alive ms: p50 "
                                 << recovery[5] << " max " << recovery[9]);
  CHECK(detection.front() >= 40);
  CHECK(detection[5] <= 200);
  CHECK(recovery[5] <= 250);
}

TEST_CASE("prober: a stopped process is not dead and its circuit stays closed") {
  PeerProcess peer("h2");
  Probing probing(peer.address());
  REQUIRE(probing.waitVerdict(Verdict::kAlive));
  const uint64_t sent = probing.stats.pings.sent.get();
  peer.suspend();
  // A time of observation: 50 PINGs, about a second, twenty times the silence that makes a peer suspect.
  REQUIRE(Probing::eventually([&] { return probing.stats.pings.sent.get() >= sent + 50; }));
  CHECK(probing.stats.deads.get() == 0);
  CHECK(probing.stats.suspects.get() <= 3);
  CHECK(probing.table.owing(PeerId{0}));
  CHECK(probing.log.owingChanges.load() >= 1);
  peer.resume();
  const uint64_t acked = probing.stats.pings.acked.get();
  REQUIRE(Probing::eventually([&] { return probing.stats.pings.acked.get() >= acked + 50; }));
  for (const Transition& t : probing.log.all())
    CHECK((t.to.circuit == CircuitState::kClosed));
  CHECK((probing.table.load(PeerId{0}).verdict == Verdict::kAlive));
  CHECK(Probing::eventually([&] { return !probing.table.owing(PeerId{0}); }));
}

TEST_CASE("prober: a peer that could not be asked is not suspected, and it is this host that is in trouble") {
  PeerProcess peer("h1");
  Probing probing(peer.address(), withoutEchoes());
  REQUIRE(probing.waitVerdict(Verdict::kAlive));
  REQUIRE(
      Probing::eventually([&] { return probing.stats.mode.get() == static_cast<uint64_t>(health::ProbeMode::kL4); }));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 3;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const uint64_t sent = probing.stats.knocks.sent.get();
  // A time of observation: a connect every 20 ms, and a suspicion would need no more than three of them.
  const bool tried = Probing::eventually([&] { return probing.stats.unasked.get() >= 75; });
  const health::LocalState state = probing.prober.localState();
  CHECK(probing.stats.knocks.sent.get() <= sent + 2);  // one may have been under way, of either thread
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(tried);
  CHECK(state == health::LocalState::kExhausted);
  CHECK(probing.stats.suspects.get() == 0);
  CHECK(probing.log.size() == 1);
  CHECK(Probing::eventually([&] { return probing.prober.localState() == health::LocalState::kOk; }));
}

TEST_CASE("prober: a peer without HTTP/2 is probed by connects, and by its health path after an outage") {
  PeerProcess peer("h1");
  health::ProbeOptions options = withoutHostChecks();
  options.healthPath = "/health";
  Probing probing(peer.address(), options);
  REQUIRE(probing.waitVerdict(Verdict::kAlive));
  REQUIRE(
      Probing::eventually([&] { return probing.stats.mode.get() == static_cast<uint64_t>(health::ProbeMode::kL4); }));
  CHECK(probing.log.size() == 1);
  peer.kill();
  REQUIRE(probing.waitVerdict(Verdict::kRefusing));
  const size_t from = probing.log.size();
  peer.start();
  REQUIRE(probing.waitVerdict(Verdict::kAlive, from));
  peer.silence();
  REQUIRE(probing.waitVerdict(Verdict::kDead, from));
}

TEST_CASE("prober: a stopped process whose accept queue our own connects have filled is stalled, not dead") {
  PeerProcess peer("h1");
  health::ProbeOptions options = withoutEchoes();
  options.interval = milliseconds(2);  // the queue takes 129
  options.stallAfter = seconds(1);
  Probing probing(peer.address(), options);
  REQUIRE(probing.waitVerdict(Verdict::kAlive));
  REQUIRE(
      Probing::eventually([&] { return probing.stats.mode.get() == static_cast<uint64_t>(health::ProbeMode::kL4); }));
  peer.suspend();
  const size_t from = probing.log.size();
  REQUIRE(probing.waitVerdict(Verdict::kStalled, from));
  CHECK(probing.stats.deads.get() == 0);
  const uint64_t connects = probing.stats.connects.get();
  REQUIRE(Probing::eventually([&] { return probing.stats.connects.get() >= connects + 250; }));
  CHECK((probing.table.load(PeerId{0}).verdict == Verdict::kStalled));
  const size_t stalled = probing.log.size();
  peer.resume();
  REQUIRE(probing.waitVerdict(Verdict::kAlive, stalled));
  CHECK(probing.stats.deads.get() == 0);
}

TEST_CASE("prober: GOAWAY too_many_pings changes the mode and nothing else") {
  PeerProcess peer("calm");
  Probing probing(peer.address(), withoutEchoes());
  REQUIRE(probing.waitVerdict(Verdict::kAlive));
  REQUIRE(Probing::eventually(
      [&] { return probing.stats.mode.get() == static_cast<uint64_t>(health::ProbeMode::kSlowPing); }));
  const uint64_t connects = probing.stats.connects.get();
  REQUIRE(Probing::eventually([&] { return probing.stats.connects.get() >= connects + 25; }));
  CHECK(probing.stats.goaways.get() == 1);
  CHECK(probing.log.size() == 1);
  CHECK((probing.table.load(PeerId{0}).verdict == Verdict::kAlive));
}

TEST_CASE("prober: echoes and requests where the peer answers them: killed, stopped, no connects") {
  PeerProcess peer("h1");
  health::ProbeOptions options;
  options.processInterval = milliseconds(100);
  options.stallAfter = milliseconds(500);
  Probing probing(peer.address(), options);
  if (!probing.prober.echoes()) {
    MESSAGE("not tested: " << probing.prober.echoes().error().message);
    return;
  }
  REQUIRE(probing.waitVerdict(Verdict::kAlive));
  REQUIRE(Probing::eventually(
      [&] { return probing.stats.hostMeans.get() == static_cast<uint64_t>(health::HostMeans::kEcho); }));
  CHECK(probing.stats.processMeans.get() == static_cast<uint64_t>(health::ProcessMeans::kRequest));
  const uint64_t requests = probing.stats.requests.acked.get(), connects = probing.stats.connects.get();
  REQUIRE(Probing::eventually([&] { return probing.stats.requests.acked.get() >= requests + 5; }));
  CHECK(probing.stats.connects.get() == connects);
  CHECK(probing.log.rungChanges.load() >= 2);
  size_t from = probing.log.size();
  peer.suspend();
  REQUIRE(probing.waitVerdict(Verdict::kStalled, from));
  from = probing.log.size();
  peer.resume();
  REQUIRE(probing.waitVerdict(Verdict::kAlive, from));
  from = probing.log.size();
  peer.kill();
  REQUIRE(probing.waitVerdict(Verdict::kRefusing, from));
  from = probing.log.size();
  peer.start();
  REQUIRE(probing.waitVerdict(Verdict::kAlive, from));
  CHECK(probing.stats.deads.get() == 0);
  CHECK(probing.stats.echoes.acked.get() > 50);
}

TEST_CASE("prober: failed exchanges and the operator move the circuit from other threads") {
  PeerProcess peer("h2");
  Probing probing(peer.address());
  REQUIRE(probing.waitVerdict(Verdict::kAlive));
  std::thread worker([&] {
    const uint16_t generation = probing.table.load(PeerId{0}).generation;
    for (int i = 0; i < 3; ++i) {
      probing.prober.outcomes().record({PeerId{0}, Outcome::kConnectFailure, generation, Clock::now()});
    }
    probing.prober.outcomes().record(
        {PeerId{7}, Outcome::kConnectFailure, generation, Clock::now()});  // no such peer
  });
  CHECK(probing.waitCircuit(CircuitState::kOpen, Reason::kRequestFailures));
  worker.join();
  probing.prober.overrideCircuit(PeerId{0}, CircuitOverride::Kind::kClosed, Duration::zero());
  CHECK(probing.waitCircuit(CircuitState::kClosed, Reason::kOperator));
  CHECK(probing.table.load(PeerId{0}).overridden);
  probing.prober.overrideCircuit(PeerId{0}, CircuitOverride::Kind::kOpen, milliseconds(50));
  CHECK(probing.waitCircuit(CircuitState::kOpen, Reason::kOperator));
  const size_t from = probing.log.size();
  CHECK(probing.waitCircuit(CircuitState::kClosed, Reason::kProbeAck, from == 0 ? 0 : from - 1));
}

TEST_CASE("prober: beats while it runs; stops at once, even right after its start") {
  PeerProcess peer("h2");
  {
    Probing probing(peer.address());
    CHECK_FALSE(probing.table.proberStalled(Clock::now()));
  }
  Probing probing(peer.address());
  const TimePoint first = probing.table.lastBeat();
  CHECK(Probing::eventually([&] { return probing.table.lastBeat() > first; }));
  probing.prober.stop();
  probing.prober.stop();
  const TimePoint last = probing.table.lastBeat();
  CHECK(probing.table.proberStalled(last + milliseconds(1001)));
}

}  // namespace
}  // namespace peerpulse::probe
