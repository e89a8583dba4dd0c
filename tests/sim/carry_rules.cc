#include "carry_rules.h"

#include <algorithm>

#include "admission_ramp.h"
#include "carry_world.h"
#include "never.h"
#include "peerpulse/upstream/peer.h"
#include "pool.h"
#include "scenario.h"

namespace peerpulse::sim {

using health::CircuitState;
using health::CircuitWord;
using health::Verdict;

namespace {

constexpr Duration kLookEvery = milliseconds(500);
constexpr Duration kSlack = milliseconds(5);
// Of a request and direction beyond the configured limit, in the client's, our and the peer's codecs, connections' output
// and kernels: what a healthy chain may hold at most.
constexpr uint64_t kOutputs = 3 * net::Connection::kOutputLimit;
constexpr uint64_t kWindows = 512 * 1024 + 64 * 1024;

}  // namespace

CarryRules::CarryRules(CarryWorld& world, const WorldSetup& setup, ProberModel& prober, CarryWatcher& watcher)
    : world_(world), setup_(setup.carry), peers_(setup.peers), prober_(prober), watcher_(watcher) {
  const upstream::Options& options = setup_.options;
  patience_ = seconds(2) + options.holdFor + upstream::AdmissionRamp::kLength;
  Duration longest{};
  for (const upstream::ClassTimeouts& timeouts : options.timeouts)
    longest = std::max(longest, timeouts.connect + timeouts.request + timeouts.stall);
  patience_ += longest;
}

bool CarryRules::shouldBeOpen(uint8_t peer, const CircuitWord& word, bool stalled) const {
  if (world_.ownHost().draining()) return false;
  const bool refuses = world_.ownHost().options().peers[peer].onDead == proxy::OnDead::kRefuse;
  return !refuses || word.circuit != CircuitState::kOpen || (stalled && !word.overridden);
}

// --- after every step --------------------------------------------------------------------------------------------

void CarryRules::afterStep(const test::VirtualTime::Participant* ran) {
  const TimePoint now = world_.network().now();
  OwnHost& host = world_.ownHost();
  size_t worker = 0;
  while (worker < host.workers().size() && &host.workers()[worker]->loop() != ran)
    ++worker;
  if (worker < host.workers().size()) {
    for (uint8_t i = 0; i < peers_; ++i) {
      const CircuitWord word = prober_.table().load(PeerId{i});
      const bool stalled = prober_.table().proberStalled(now);
      checkAdmission(i, word, stalled);
      checkCounters(i, word);
      checkWorker(worker, i, word, stalled);
    }
  }
  for (uint8_t i = 0; i < peers_; ++i)
    checkGate(i, prober_.table().load(PeerId{i}), prober_.table().proberStalled(now));
  if (now >= requestsDue_) {
    requestsDue_ = now + kLookEvery;
    checkRequests();
  }
  checkEnded();
}

// Rule 8. The word cannot have changed during the turn: prober and outcomes have turns of their own.
void CarryRules::checkAdmission(uint8_t peer, const CircuitWord& word, bool stalled) {
  PeerWatch& watch = watches_[peer];
  uint64_t admitted = 0;
  uint64_t inFlight = 0;
  for (const auto& worker : world_.ownHost().workers()) {
    admitted += worker->peer(peer).admitted();
    inFlight += worker->peer(peer).requestsInFlight();
  }
  const uint64_t ended = admitted - inFlight;
  if (watch.generation != word.generation) {
    watch.generation = word.generation;
    watch.admittedBefore = watch.admitted;
    watch.endedBefore = watch.ended;
  }
  if (admitted != watch.admitted && !(stalled && !word.overridden)) {
    if (word.circuit == CircuitState::kOpen) watcher_.broken(peer, "8: sent through an open circuit");
    // One that ended without an outcome gives its permit back.
    const uint64_t trials = admitted - watch.admittedBefore;
    if (word.circuit == CircuitState::kHalfOpen && trials > 1 + (ended - std::min(ended, watch.endedBefore))) {
      watcher_.broken(peer, "8: two trials at once in one generation");
    }
  }
  watch.admitted = admitted;
  watch.ended = ended;
}

void CarryRules::checkCounters(uint8_t peer, const CircuitWord& word) {
  PeerWatch& watch = watches_[peer];
  stats::PeerStats& stats = world_.stats().peer(PeerId{peer});
  const uint64_t refused = stats.fastFailuresTotal.get();
  if (refused != watch.refused) watcher_.onRefused(peer, word);
  watch.refused = refused;
  const uint64_t failed = stats.failedInFlightTotal.get();
  if (failed != watch.failedInFlight) watcher_.onFailedInFlight(peer, word);
  watch.failedInFlight = failed;
  if (stats.inFlight.get() > world_.ledger().size() + 1'000) watcher_.broken(peer, "9: an exchange ended twice");
}

void CarryRules::checkWorker(size_t number, uint8_t peer, const CircuitWord& word, bool stalled) {
  SimWorker& worker = *world_.ownHost().workers()[number];
  upstream::Peer& target = worker.peer(peer);
  PeerWatch& watch = watches_[peer];
  const TimePoint now = world_.network().now();
  if (stalled != watch.stalled) {
    watch.stalled = stalled;
    watch.stallChanged = now;
  }
  // Nobody is told when the prober's word begins or ceases to count, but by the main thread's look.
  const bool settling = stalled || now - watch.stallChanged <= OwnHost::kFollow + kSlack;
  if (!settling && !target.settled())
    watcher_.broken(peer, "10: somebody waits while there is capacity, or an open circuit");
  if (const auto held = target.heldSince(); held) {
    const Duration longest = 2 * (setup_.options.holdFor + upstream::AdmissionRamp::kLength) + kSlack;
    if (now - std::max(*held, lateUntil_) > longest) watcher_.broken(peer, "10: held for too long");
  }
  const upstream::PoolOptions& pool = setup_.options.pool;
  // Beside each connection that is late, or silent, there may be another one.
  if (target.connections() > upstream::kTrafficClasses * 2 * pool.maxConnections) {
    watcher_.broken(peer, "14: more connections than allowed");
  }
  if (target.waiting() > upstream::kTrafficClasses * 2 * pool.maxPending) {
    watcher_.broken(peer, "14: more wait for a connection than may");
  }
  if (worker.context().io.farewells.size() > wire::Farewells::kMax) watcher_.broken(peer, "14: too many farewells");
  const bool dead = word.circuit == CircuitState::kOpen && word.verdict == Verdict::kDead && !stalled &&
                    setup_.onDead == proxy::OnDead::kRefuse;
  if (!dead) {
    watch.deadSince = kNever;
  } else if (watch.deadSince == kNever) {
    watch.deadSince = now;
  } else if (now - std::max({watch.deadSince, lateUntil_, watch.stallChanged + OwnHost::kFollow}) > kSlack &&
             worker.listener(peer).connections() > 0) {
    watcher_.broken(peer, "15: a dead peer's clients were not reset");
  }
}

// --- gates -------------------------------------------------------------------------------------------------------

void CarryRules::afterTransition(uint8_t peer) {
  const TimePoint now = world_.network().now();
  const CircuitWord word = prober_.table().load(PeerId{peer});
  const bool open = world_.ownHost().socket(peer).state() == test::MemoryListener::State::kListening;
  if (open != shouldBeOpen(peer, word, prober_.table().proberStalled(now))) {
    watcher_.broken(peer, "15: the listener does not follow the published word");
  }
  PeerWatch& watch = watches_[peer];
  const bool opened = word.circuit != CircuitState::kClosed;
  if (opened && !watch.open) watch.openedIn = word.generation;
  watch.open = opened;
  if (setup_.blameless(peer) && word.circuit != CircuitState::kClosed) {
    watcher_.broken(peer, "13: the circuit of a healthy peer opened");
  }
}

// What only time changes is followed every 100 ms by a thread that may stand still.
void CarryRules::checkGate(uint8_t peer, const CircuitWord& word, bool stalled) {
  PeerWatch& watch = watches_[peer];
  const TimePoint now = world_.network().now();
  const bool open = world_.ownHost().socket(peer).state() == test::MemoryListener::State::kListening;
  if (open == shouldBeOpen(peer, word, stalled)) {
    watch.gateWrongSince = kNever;
  } else if (watch.gateWrongSince == kNever) {
    watch.gateWrongSince = now;
  } else if (now - std::max(watch.gateWrongSince, lateUntil_) > OwnHost::kFollow + milliseconds(1)) {
    watcher_.broken(peer, "15: the listener's state is not that of the circuit");
  }
}

// --- outcomes and requests ---------------------------------------------------------------------------------------

void CarryRules::onOutcome(uint8_t peer, const health::OutcomeRecord& record) {
  const bool good = record.outcome == health::Outcome::kSuccess || record.outcome == health::Outcome::kServerError;
  const CircuitWord word = prober_.table().load(PeerId{peer});
  const auto sinceOpened = static_cast<int16_t>(record.generation - watches_[peer].openedIn);
  if (good && word.circuit != CircuitState::kClosed && sinceOpened >= 0) {
    watcher_.onTrialSucceeded(peer);
  }
  if (setup_.blameless(peer) && record.outcome != health::Outcome::kSuccess) {
    watcher_.broken(peer, "13: a failure was counted against a healthy peer");
  }
}

void CarryRules::checkRequests() {
  for (const uint32_t id : world_.ledger().live())
    checkRequest(world_.ledger().entry(id));
}

// Of its class: it ends whatever the peer does.
bool CarryRules::hasDeadline(const RequestEntry& request) const {
  return request.wish != Wish::kTunnel && request.wish != Wish::kGrpc && !request.direct;
}

void CarryRules::checkRequest(const RequestEntry& request) {
  const TimePoint now = world_.network().now();
  const TimePoint since = std::max({request.progress, lateUntil_, disturbedAt_});
  const bool owed =
      request.honest && !request.paced && (hasDeadline(request) || (!request.peerFailed && faults_ == 0));
  if (owed && now - since > patience_) watcher_.broken(request.peer, "10: nothing moves, and nobody gives up");
  if (request.wish == Wish::kTunnel) return;
  const uint64_t kernel = 2 * (setup_.sockets.sendBuffer + setup_.sockets.receiveWindow);
  const uint64_t most = setup_.options.bufferLimit + kOutputs + kWindows + kernel;
  if (request.bodySent > request.bodyAtPeer + most) watcher_.broken(request.peer, "14: a request's body piles up");
  if (request.answerSent > request.received + most) watcher_.broken(request.peer, "14: an answer's body piles up");
}

// Rule 16: in a world where nobody does anything wrong but some clients, everybody else is served.
void CarryRules::checkEnded() {
  for (const uint32_t id : world_.ledger().takeFailed()) {
    const RequestEntry& request = world_.ledger().entry(id);
    if (setup_.blameless(request.peer) && !setup_.tight())
      watcher_.broken(request.peer, "16: an honest request failed");
  }
}

// --- the end -----------------------------------------------------------------------------------------------------

void CarryRules::afterQuiet() {
  for (const uint32_t id : world_.ledger().live()) {
    const RequestEntry& request = world_.ledger().entry(id);
    if (request.honest && !request.peerFailed) watcher_.broken(request.peer, "9: a request never ended");
  }
  if (FanoutRules* fanout = world_.fanoutRules()) fanout->afterQuiet();
}

bool CarryRules::deserted() const {
  if (!world_.ownHost().operationsOver()) return false;
  for (const auto& worker : world_.ownHost().workers()) {
    for (uint8_t i = 0; i < peers_; ++i) {
      const upstream::Peer& peer = worker->peer(i);
      if (peer.requestsHeld() + peer.requestsInFlight() + worker->listener(i).connections() != 0) return false;
    }
  }
  return true;
}

void CarryRules::whenNobodyIsLeft() {
  if (FanoutRules* fanout = world_.fanoutRules()) fanout->whenNobodyIsLeft();
  size_t connections = 0;
  for (const auto& worker : world_.ownHost().workers()) {
    for (uint8_t i = 0; i < peers_; ++i) {
      upstream::Peer& peer = worker->peer(i);
      connections += peer.connections() + worker->listener(i).connections();
      if (worker->listener(i).connections() != 0) watcher_.broken(i, "11: connections of clients who have left");
      if (peer.requestsHeld() + peer.requestsInFlight() + peer.waiting() != 0) {
        watcher_.broken(i, "9: requests of clients who have left");
      }
    }
    connections += worker->context().io.farewells.size();
  }
  for (uint8_t i = 0; i < peers_; ++i) {
    stats::PeerStats& stats = world_.stats().peer(PeerId{i});
    if (stats.inFlight.get() != 0) watcher_.broken(i, "9: exchanges in flight of clients who have left");
    if (stats.held.get() != 0) watcher_.broken(i, "9: held exchanges of clients who have left");
  }
  if (world_.network().openEnds(world_.ownHost().host()) != connections) {
    watcher_.broken(0, "11: a connection that nobody knows");
  }
}

void CarryRules::afterDrain() {
  for (const auto& worker : world_.ownHost().workers()) {
    for (uint8_t i = 0; i < peers_; ++i) {
      if (!worker->listener(i).drained()) watcher_.broken(i, "11: not drained");
    }
  }
  if (world_.network().openEnds(world_.ownHost().host()) != 0) {
    watcher_.broken(0, "11: connections are open after the drain");
  }
}

}  // namespace peerpulse::sim
