#include "checkers.h"

#include <algorithm>
#include <cmath>

#include "never.h"
#include "verdict_graph.h"

namespace peerpulse::sim {

using health::CircuitState;
using health::CircuitWord;
using health::ProbeMode;
using health::Reason;
using health::Transition;
using health::Verdict;

namespace {

constexpr uint32_t kPerEventLoss = 5'000;  // per million: up to here each false dead is a violation
constexpr uint32_t kMaxSockets = 33;
constexpr uint32_t kMaxOutageSockets = 4;
constexpr size_t kMaxScheduled = 20'000;
constexpr uint64_t kMaxTicks = 1'000;
constexpr Duration kAfterFailedConnects = milliseconds(1500);
constexpr Duration kLastResort = milliseconds(2500);
constexpr Duration kDelayedAck = health::DetectionLimits::kDelayedAck;

}  // namespace

void Checkers::reset(uint32_t peers, const std::array<health::ProbeOptions, kMaxPeers>& options, Profile profile,
                     Statistics& statistics) {
  peers_ = peers;
  options_ = options;
  profile_ = profile;
  statistics_ = &statistics;
  start_ = heap_.now();
  connectsFailedAt_ = TimePoint();
  connectsFailed_ = false;
  guard_.reset(peers, start_);
  ownLinkCut_ = false;
  ownLinkCutAt_ = ownLinkBackAt_ = TimePoint();
  violation_ = nullptr;
  for (uint32_t i = 0; i < peers; ++i) {
    truths_[i] = {};
    Truth& truth = truths_[i];
    truth.reachableSince = truth.healthySince = truth.disturbedAt = truth.badSince = truth.ticksFrom = start_;
  }
}

void Checkers::fail(uint8_t peer, const char* rule) {
  if (violation_ != nullptr) return;
  violation_ = rule;
  violationPeer_ = peer;
  log_.add({heap_.now(), "VIOLATION", peer, 0, 0, rule, ""});
}

bool Checkers::lossy(uint8_t peer) const {
  WireModel& wire = wires_[peer];
  return wire.out().lossPerMillion() != 0 || wire.back().lossPerMillion() != 0 || wire.out().bursty() ||
         wire.back().bursty();
}

LossClass Checkers::lossClass(uint8_t peer) const {
  WireModel& wire = wires_[peer];
  if (wire.out().bursty() || wire.back().bursty()) return LossClass::kBursts;
  const uint32_t loss = std::max(wire.out().lossPerMillion(), wire.back().lossPerMillion());
  if (loss == 0) return LossClass::kNone;
  if (loss <= 5'000) return LossClass::kHalfPercent;
  if (loss <= 10'000) return LossClass::kOnePercent;
  return loss <= 50'000 ? LossClass::kFivePercent : LossClass::kMore;
}

double Checkers::confirmLoss(uint8_t peer, uint32_t connects) const {
  WireModel& wire = wires_[peer];
  const double p = wire.out().lossPerMillion() / 1e6;
  const double q = wire.back().lossPerMillion() / 1e6;
  return std::pow(1 - (1 - p) * (1 - q), connects);
}

// --- what is true ---

void Checkers::beforeFault(uint8_t peer) {
  if (lossy(peer)) truths_[peer].lossyAt = heap_.now();
  checkDetection(peer);
  checkRecovery(peer);
}

void Checkers::afterFault(uint8_t peer, bool disturbed) {
  const TimePoint now = heap_.now();
  if (disturbed) truths_[peer].disturbedAt = now;
  look(peer);
}

void Checkers::ownHostChanged() {
  if (prober_.connectsFail() || connectsFailed_) connectsFailedAt_ = heap_.now();
  connectsFailed_ = prober_.connectsFail();
  for (uint8_t i = 0; i < peers_; ++i) {
    truths_[i].healthySince = heap_.now();
    afterFault(i, true);
  }
}

void Checkers::ownLink(bool cut) {
  ownLinkCut_ = cut;
  for (uint8_t i = 0; cut && i < peers_; ++i)
    truths_[i].mutedBefore = prober_.health(i).lastEvidence() < truths_[i].reachableSince;
  (cut ? ownLinkCutAt_ : ownLinkBackAt_) = heap_.now();
}

void Checkers::checkGuard() {
  const auto begun = guard_.look(prober_, heap_.now());
  if (!begun) return;
  ++statistics_->guarded;
  const Truth& truth = truths_[*begun];
  if (prober_.health(*begun).word().verdict != Verdict::kDead) fail(*begun, "17: refused without being dead");
  // Found dead while the link was cut, and unreachable by nothing else then or now.
  const bool found = truth.deadAt >= ownLinkCutAt_ && (ownLinkCut_ || truth.deadAt <= ownLinkBackAt_);
  bool ownDoing = found && truth.unreachableSince >= ownLinkCutAt_ && truth.reachable != ownLinkCut_;
  if (!ownLinkCut_ && truth.reachableSince > ownLinkBackAt_) ownDoing = false;  // it was off when the link came back
  // The end of a partition lets its peer out of the own one as well.
  for (uint8_t i = 0; ownLinkCut_ && i < peers_; ++i)
    ownDoing = ownDoing && !truths_[i].reachable;
  // Its silence began before the cut, and later the others': as of one that died just then.
  if (truth.confirmMute || truth.mutedBefore) return;
  // A full accept queue is a silent kernel; a path that got longer is found again only after seconds (rule 3).
  WireModel& wire = wires_[*begun];
  if (wire.peer().acceptsNone() || wire.out().rerouted() || profile_ == Profile::kWan) return;
  if (connectsFailedAt_ >= ownLinkCutAt_ || prober_.lastLate() >= ownLinkCutAt_) return;  // not only the link
  if (ownDoing && !lossy(*begun)) fail(*begun, "17: refused because the own link was cut");
}

bool Checkers::clean(uint8_t peer) const {
  const Truth& truth = truths_[peer];
  const ProbeMode mode = prober_.health(peer).mode();
  const bool calm = heap_.now() - truth.disturbedAt > seconds(11);
  return calm && !lossy(peer) && truth.running && !wires_[peer].peer().acceptsNone() &&
         mode != ProbeMode::kSlowPing && !prober_.health(peer).lastResort();
}

void Checkers::look(uint8_t peer) {
  Truth& truth = truths_[peer];
  WireModel& wire = wires_[peer];
  const PeerModel& model = wire.peer();
  const TimePoint now = heap_.now();
  const bool reachable = model.powered() && !wire.out().isCut() && !wire.back().isCut();
  if (reachable != truth.reachable) {
    if (truth.reachable) {
      statistics_->reachableTime[static_cast<size_t>(lossClass(peer))] += now - truth.reachableSince;
      ++statistics_->outages;
      const health::DetectionLimits limits = prober_.health(peer).limits();
      truth.maxSilence = limits.silence;
      truth.maxConfirm = limits.confirm;
      truth.lastResort = prober_.health(peer).lastResort();
      truth.cleanCut = clean(peer) && prober_.health(peer).word().verdict == Verdict::kAlive;
    }
    (reachable ? truth.reachableSince : truth.unreachableSince) = now;
    truth.reachable = reachable;
  }
  if (truth.running && model.serving() && !model.running()) {
    truth.stoppedAt = now;
    const TimePoint calmSince = std::max({truth.healthySince, prober_.lastLate(), connectsFailedAt_});
    truth.stoppedWhenWell = truth.healthy && truth.badSince == kNever && now - calmSince > seconds(5);
  }
  truth.running = !model.serving() || model.running();
  const bool healthy = reachable && model.running() && !model.acceptsNone() && !prober_.connectsFail();
  if (!healthy || !truth.healthy || truth.disturbedAt == now) truth.healthySince = now;
  truth.healthy = healthy;
}

void Checkers::finish() {
  for (uint8_t i = 0; i < peers_; ++i) {
    beforeFault(i);
    if (truths_[i].reachable) {
      statistics_->reachableTime[static_cast<size_t>(lossClass(i))] += heap_.now() - truths_[i].reachableSince;
    }
    statistics_->peerTime += heap_.now() - start_;
  }
}

// --- rules ---

void Checkers::onConfirm(uint8_t peer, uint32_t connects) {
  Truth& truth = truths_[peer];
  const health::PeerHealth& health = prober_.health(peer);
  // The second half of a round belongs to the first, however late a starved loop sent it.
  const uint32_t number = health.secondConfirmRound() ? 2 : 1;
  if (truth.confirming && number == truth.rounds && heap_.now() - truth.confirmAt < health.limits().confirm) return;
  truth.rounds = number;
  truth.confirming = true;
  truth.confirmAt = heap_.now();
  // K of the whole round, whether or not its second half will be needed.
  const health::ProbeOptions& options = options_[peer];
  const uint32_t round = health.loss().confirmConnects(options.confirmConnects, options.confirmConnectsMax);
  if (truth.reachable && wires_[peer].peer().serving()) statistics_->falseDeadExpected += confirmLoss(peer, round);
  truth.confirmOnPings = prober_.health(peer).mode() == ProbeMode::kFastPing && wires_[peer].probeConnected();
  truth.confirmMute = wires_[peer].probeForgotten();
}

void Checkers::checkDead(uint8_t peer, const Transition& transition) {
  Truth& truth = truths_[peer];
  WireModel& wire = wires_[peer];
  const TimePoint now = heap_.now();
  if (transition.from.verdict == Verdict::kSuspect && prober_.lastOwnHostSuspect() == now && truth.rounds < 2) {
    fail(peer, "1: own host suspect, and no second round");
  }
  if (!truth.reachable) {
    countDetection(peer);
    return;
  }
  if (transition.from.verdict == Verdict::kRefusing || !wire.peer().serving()) {
    ++statistics_->refusingDead;
    return;
  }
  if (truth.reachableSince > truth.confirmAt || truth.disturbedAt >= truth.confirmAt) return;
  if (wire.maxRtt() > prober_.health(peer).limits().confirm - health::FailureDetector::kTimerSlack) {
    ++statistics_->longPathDead;
    return;
  }
  if (prober_.connectsFail() || connectsFailedAt_ >= truth.confirmAt) return;
  if (wire.out().badSince(truth.confirmAt, now) || wire.back().badSince(truth.confirmAt, now)) {
    ++statistics_->burstDead;
    return;
  }
  if (wire.peer().acceptsNone()) {
    const health::PeerHealth& health = prober_.health(peer);
    const bool kept = health.lastResort() && !health.blind() && !truth.confirmMute;
    const bool vouched = truth.confirmOnPings ? !truth.confirmMute : wire.peer().options().hostPortAnswers || kept;
    const bool wasLossy = std::max(truth.reachableSince, truth.lossyAt) + seconds(1) > truth.confirmAt;
    if (lossy(peer) || wasLossy || !vouched) {
      ++statistics_->fullQueueDead;
      return;
    }
  }
  if (std::max(wire.out().lossPerMillion(), wire.back().lossPerMillion()) > kPerEventLoss) {
    ++statistics_->falseDead;
    log_.add({now, "false dead", peer, 0, 0, "within the rate", ""});
    return;
  }
  fail(peer, "1: false dead");
}

void Checkers::countDetection(uint8_t peer) {
  const Truth& truth = truths_[peer];
  const Duration took = heap_.now() - truth.unreachableSince;
  statistics_->allCuts.add(took);
  if (!truth.cleanCut || prober_.starved() || prober_.lastLate() >= truth.unreachableSince - seconds(1)) return;
  if (prober_.lastOwnHostSuspect() >= truth.unreachableSince ||
      connectsFailedAt_ + kAfterFailedConnects >= truth.unreachableSince) {
    return;
  }
  log_.add({heap_.now(), "clean detection", peer, took / microseconds(1), 0, "", ""});
  (profile_ == Profile::kLan    ? statistics_->cleanLan
   : profile_ == Profile::kFast ? statistics_->cleanFast
                                : statistics_->cleanWan)
      .add(took);
}

void Checkers::checkDetection(uint8_t peer) {
  Truth& truth = truths_[peer];
  if (truth.reachable || prober_.blocked()) return;
  const health::PeerHealth& health = prober_.health(peer);
  if (health.word().verdict == Verdict::kDead) return;
  if (prober_.connectsFail() || connectsFailedAt_ >= truth.unreachableSince) return;
  const WireModel& wire = wires_[peer];
  const TimePoint from =
      std::max({truth.unreachableSince, wire.lastArrival(), prober_.lastLate(), prober_.blockedUntil()});
  const health::DetectionLimits limits = health.limits();
  truth.maxSilence = std::max(truth.maxSilence, limits.silence);
  truth.maxConfirm = std::max(truth.maxConfirm, limits.confirm);
  truth.lastResort = truth.lastResort || health.lastResort();
  Duration bound = truth.maxSilence + truth.maxConfirm + milliseconds(1);
  if (prober_.lastOwnHostSuspect() >= truth.unreachableSince) bound += truth.maxConfirm;
  if (connectsFailedAt_ + kAfterFailedConnects >= truth.unreachableSince) {
    bound += health::FailureDetector::kUnconfirmedSilence;
  }
  // A kernel's word of its last ACK is up to a tick younger than the ACK.
  if (truth.lastResort) bound += kLastResort;
  if (truth.lastResort && health.blind()) bound += health::PeerHealth::kBlindPatience;
  if (!truth.cleanCut) bound += kDelayedAck + health::PeerHealth::kKernelTick;
  if (prober_.starved()) bound += 3 * prober_.starvedBy();
  if (heap_.now() - from > bound) fail(peer, "2: not detected in time");
}

Duration Checkers::recoveryBound(uint8_t peer) const {
  const health::PeerHealth& health = prober_.health(peer);
  const WireModel& wire = wires_[peer];
  const Duration every = options_[peer].recoverInterval;
  const Duration attempt = 5 * every / 4 + std::max(every, 2 * health.path().smoothed + milliseconds(10));
  Duration bound = 4 * attempt + 4 * wire.maxRtt() + milliseconds(100);
  if (lossy(peer)) bound += seconds(3);
  if (!health.rtt().measured()) bound += milliseconds(1300) + wire.maxRtt();
  if (wires_[peer].out().rerouted()) bound += seconds(8);
  return bound + seconds(1) + milliseconds(600);
}

void Checkers::checkRecovery(uint8_t peer) {
  const Truth& truth = truths_[peer];
  if (!truth.healthy || truth.badSince == kNever || prober_.blocked() || prober_.starved()) return;
  const TimePoint from = std::max({truth.healthySince, truth.badSince, prober_.lastLate(), prober_.blockedUntil()});
  if (heap_.now() - from > recoveryBound(peer)) fail(peer, "3: not recovered in time");
}

void Checkers::onFed(uint8_t peer, bool ticked) {
  Truth& truth = truths_[peer];
  const health::PeerHealth& health = prober_.health(peer);
  const TimePoint now = heap_.now();
  if (!truth.reachable) {
    checkDetection(peer);
  } else if (truth.badSince != kNever) {
    checkRecovery(peer);
  }
  checkGuard();
  if (!ticked) return;
  if (health.nextDeadline() <= now) fail(peer, "6: the next deadline is not in the future");
  if (health.outstanding() > health::ProbePlan::kMaxOutstanding) fail(peer, "7: too many PINGs outstanding");
  if (now - truth.ticksFrom < seconds(1)) return;
  if (prober_.ticks(peer) - truth.ticksBefore > kMaxTicks) fail(peer, "6: too many Ticks");
  if (heap_.size() > kMaxScheduled) fail(peer, "7: too many events");
  truth.ticksFrom = now;
  truth.ticksBefore = prober_.ticks(peer);
}

void Checkers::onSockets(uint8_t peer, uint32_t open) {
  if (open > kMaxSockets) fail(peer, "7: too many sockets");
  const Verdict verdict = prober_.health(peer).word().verdict;
  const bool outage = verdict == Verdict::kDead || verdict == Verdict::kRefusing;
  if (outage && open > kMaxOutageSockets) fail(peer, "7: too many sockets in an outage");
}

void Checkers::onPublish(uint8_t peer, const CircuitWord& word) {
  if (prober_.table().load(PeerId{peer}).pack() != word.pack()) fail(peer, "5: the table shows another word");
}

void Checkers::onReport(uint8_t peer, const Transition& t) {
  Truth& truth = truths_[peer];
  const TimePoint now = heap_.now();
  if (t.at != now) fail(peer, "5: reported for another time");
  if (t.to.pack() != prober_.table().load(PeerId{peer}).pack()) fail(peer, "5: the table shows another word");
  if (t.to.generation != static_cast<uint16_t>(t.from.generation + 1)) fail(peer, "5: a generation was skipped");
  if (t.from.pack() == t.to.pack()) fail(peer, "5: reported without a change");
  checkCircuit(peer, t);
  const bool bad = (t.to.verdict != Verdict::kAlive && t.to.verdict != Verdict::kSuspect) ||
                   (t.to.circuit != CircuitState::kClosed && t.to.reason != Reason::kRequestFailures);
  if (!bad) {
    truth.badSince = kNever;
  } else if (truth.badSince == kNever) {
    truth.badSince = now;
  }
  if (t.from.verdict == t.to.verdict) return;
  if (t.to.verdict == Verdict::kDead) truth.badSince = truth.deadAt = now;
  if (!legal(t.from.verdict, t.to.verdict)) fail(peer, "4: no such transition of the verdict");
  if (t.to.verdict == Verdict::kSuspect && truth.reachable && now - truth.reachableSince > seconds(1)) {
    ++statistics_->suspicions[static_cast<size_t>(lossClass(peer))];
  }
  if (t.to.verdict == Verdict::kDead) checkDead(peer, t);
  if (t.to.verdict != Verdict::kSuspect) truth.confirming = false;
}

void Checkers::checkCircuit(uint8_t peer, const Transition& t) {
  Truth& truth = truths_[peer];
  const CircuitState from = t.from.circuit;
  const CircuitState to = t.to.circuit;
  if (from == to) return;
  const bool requests = t.from.reason == Reason::kRequestFailures;
  if (to == CircuitState::kHalfOpen) {
    // After an outage too: what requests opened before shows again.
    if (from != CircuitState::kOpen) fail(peer, "4: closed to half-open");
    truth.trialSucceeded = false;
  } else if (to == CircuitState::kClosed && requests && !truth.trialSucceeded) {
    fail(peer, "4: closed without a successful trial what requests had opened");
  }
}

void Checkers::onRefused(uint8_t peer, const CircuitWord& word) {
  const Truth& truth = truths_[peer];
  const TimePoint now = heap_.now();
  const PeerModel& model = wires_[peer].peer();
  if (word.reason == Reason::kRequestFailures || !truth.reachable || !model.serving() || model.running()) return;
  // Well for long enough before it was stopped, and nothing but stopped since.
  const bool onlyStopped = truth.disturbedAt <= truth.stoppedAt && truth.reachableSince < truth.stoppedAt;
  if (!truth.stoppedWhenWell || !onlyStopped || now - truth.stoppedAt > seconds(9) || lossy(peer)) return;
  if (prober_.blocked() || prober_.starved()) return;
  if (model.acceptsNone() && !model.options().hostPortAnswers) return;  // nothing left that could vouch for it
  fail(peer, "8: refused because its process is stopped");
}

void Checkers::onFailedInFlight(uint8_t peer, const CircuitWord& word) {
  if (word.verdict != Verdict::kDead) fail(peer, "8: failed in flight by another verdict than dead");
}

}  // namespace peerpulse::sim
