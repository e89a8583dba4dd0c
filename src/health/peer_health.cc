#include "peerpulse/health/peer_health.h"

#include <algorithm>

#include "peerpulse/base/assert.h"

namespace peerpulse::health {

PeerHealth::PeerHealth(PeerId peer, const ProbeOptions& options, uint32_t jitterSeed, TimePoint start, Duration phase)
    : peer_(peer),
      options_(options),
      rtt_(options.interval / 4),
      rhythm_(options.interval),
      detector_(options, start),
      circuit_(options),
      plan_(options, jitterSeed, start, phase),
      score_(start),
      lastNow_(start),
      nextLossSample_(start + kLossInterval) {
  measure();
  deadline_ = std::min(plan_.nextDeadline(), detector_.nextDeadline(limits_));
}

Actions PeerHealth::on(const Event& event, TimePoint now) {
  PP_ASSERT(now >= lastNow_);
  lastNow_ = now;
  Actions actions;
  const Before before{detector_.lastEvidence(), processHeard_, plan_.outstanding()};
  const bool wasRecovering = detector_.recovering();
  const bool wasConfirming = detector_.confirming();
  const ProbeMode modeBefore = plan_.mode();
  const bool askedRequests = plan_.asksRequests();
  const Duration unanswered = detector_.unansweredFor(now);
  const Duration late = now - deadline_;
  const bool watched = late <= options_.interval;

  if (!watched && detector_.voidRound(late, limits_, now)) startConfirm(now, actions);
  std::visit([&](const auto& e) { handle(e, now, actions); }, event);
  if (plan_.cadence() != cadence_) measure();

  const bool recovering = detector_.recovering();
  if (wasConfirming && !detector_.confirming()) {
    burst_.end();
    endDraws();
    actions.add(StopConnects{ConnectPurpose::kConfirm});
    actions.add(StopConnects{ConnectPurpose::kHostCheck});
    const bool cleared = detector_.lastEvidence() > before.heard && !recovering;
    if (cleared && !std::holds_alternative<EchoAnswered>(event)) plan_.suspicionRefuted(now, limits_.answer);
  }
  if (!wasRecovering && recovering) {
    longPatients_ = 0;
    plan_.outageBegan(now, actions);
  }
  if (wasRecovering && !recovering) plan_.outageEnded(now, actions);
  const Duration everySo = plan_.lastResort() ? Duration(ProbePlan::kDrawInterval) : limits_.silence;
  plan_.confirming(detector_.confirming());
  plan_.checkHost(wantsHostChecks(), everySo, now, actions);
  openConfirmConnects(now, actions);
  drawAck(now, actions);
  const ProbePlan::Due due = plan_.advance(now, path_, actions);
  if (plan_.cadence() != cadence_) measure();
  const bool asksOtherwise = plan_.mode() == ProbeMode::kL4 && modeBefore != ProbeMode::kL4;
  if (asksOtherwise || (askedRequests && !plan_.asksRequests())) detector_.askedNoMore();
  for (uint32_t i = 0; i < due.exchanges; ++i)
    loss_.connectSent();
  detector_.asked(due.asked, due.since);
  if (const auto rungs = plan_.rungs(); rungs.has_value() && *rungs != rungs_) {
    actions.add(ReportRungs{RungChange{peer_, rungs_, *rungs, now}});
    rungs_ = *rungs;
  }

  circuit_.onVerdict(detector_.verdict(), detector_.stalledTooLong(), now);
  publish(now, before, actions);
  keepScore(now, unanswered, watched, actions);
  owesAnswer_ = !recovering && detector_.unansweredFor(now) >= limits_.silence;
  deadline_ = std::min({plan_.nextDeadline(), detector_.nextDeadline(limits_), circuit_.nextDeadline(),
                        burst_.nextDeadline(), drawAt_});
  return actions;
}

bool PeerHealth::wantsKernelView(TimePoint now) const {
  if (!plan_.connected()) return false;
  if (now >= nextLossSample_) return true;
  // Once PINGs stay unanswered the kernel is asked at every tick: that is cheap, bursts of SYNs are not.
  return detector_.confirming() || judgementDue(now) || detector_.unansweredFor(now) >= limits_.silence / 2;
}

void PeerHealth::handle(const Tick& tick, TimePoint now, Actions& actions) {
  measure();  // what a fresh connect refuted (measuredPath()) is refuted for a while only
  considerData(tick, now);
  if (tick.kernel.has_value()) considerKernel(*tick.kernel, now);
  considerDraw(now);
  sampleLoss(tick, now);
  circuit_.tick(now);
  if (detector_.judge(now, limits_, tick.ownHostSuspect) == FailureDetector::Step::kConfirm)
    startConfirm(now, actions);
}

void PeerHealth::considerData(const Tick& tick, TimePoint now) {
  const TimePoint heard = std::min(tick.dataHeard, now);
  if (heard > dataHeard_) {
    dataHeard_ = heard;
    rhythm_.heard(now - heard);
    measure();
    detector_.heard(heard);
    processSpoke(heard);
    if (!detector_.recovering()) plan_.postponeFor(heard);
  }
  const TimePoint kernelHeard = std::min(tick.dataKernelHeard, now);
  // As considerKernel(): ages are stepped, so it may be what we know of already.
  if (kernelHeard > detector_.lastEvidence() + kKernelTick) detector_.kernelHeard(kernelHeard, limits_);
}

void PeerHealth::sampleLoss(const Tick& tick, TimePoint now) {
  if (now < nextLossSample_) return;
  nextLossSample_ = now + kLossInterval;
  if (tick.kernel.has_value()) loss_.sample(tick.kernel->segments, now);
  loss_.settle(!detector_.recovering() && detector_.unansweredFor(now) < limits_.silence, now);
  score_.kernelLoss(loss_.exchangeLoss());
}

void PeerHealth::measure() {
  path_ = measuredPath();
  cadence_ = plan_.cadence();
  DetectionLimits::Signs signs;
  signs.dense = rhythm_.dense();
  signs.echoes = cadence_.echoes;
  if (kernel_.retransmitsQuickly && cadence_.pingsEach) signs.resending = kernel_.path();
  limits_ = DetectionLimits::of(options_, cadence_.interval, path_, signs);
  requestAck_ = limits_.delayedAck;
  if (plan_.lastResort()) limits_.delayedAck = ProbePlan::kDrawInterval;
}

PathRtt PeerHealth::measuredPath() const {
  PathRtt path = rtt_.path();
  if (kernel_.rtt <= Duration::zero()) return path;
  // A connection that has fallen mute knows nothing new: fresh connects have found the path longer. So few they are
  // that their mean would lag behind.
  const bool refuted = lastNow_ - freshAt_ <= kFreshFor && freshRtt_ > 2 * kernel_.rtt + milliseconds(5);
  if (refuted) {
    path.smoothed = std::max(path.smoothed, freshRtt_);
    return path;
  }
  if (!path.measured) return kernel_.path();
  path.smoothed = std::min(path.smoothed, kernel_.rtt);
  path.variation = std::min(path.variation, kernel_.rttVariation);
  return path;
}

TimePoint PeerHealth::overdueAt() const {
  const Verdict verdict = detector_.verdict();
  if (verdict == Verdict::kUnknown || detector_.recovering()) return TimePoint::max();
  // An answer each T, and half a T for what delays it: well before S, so that at the end of the first peer's
  // confirm all those that fell silent with it have become overdue.
  const Duration interval = plan_.probeInterval();
  return detector_.lastEvidence() + 3 * interval / 2 + path_.longest();
}

void PeerHealth::considerKernel(const KernelView& view, TimePoint now) {
  kernel_ = view;
  measure();
  const TimePoint at = now - std::max(view.lastAckReceived, Duration::zero());
  if (at <= detector_.lastEvidence() + kKernelTick) return;  // may be the very ACK we know of
  // Ages jump by a tick from look to look: an ACK too old to end the suspicion must not start its confirm anew.
  if (detector_.confirming() && now - at >= limits_.silence + limits_.delayedAck) return;
  detector_.kernelHeard(at, limits_);
  plan_.heardHere(at);
}

bool PeerHealth::wantsHostChecks() const {
  // Not during a confirm: it has its own, and the next of the cadence would end them before a long path answers.
  const bool tells = hostCheckTells() || (plan_.lastResort() && plan_.drawable());
  return !detector_.recovering() && !detector_.confirming() && detector_.kernelOnly() && tells;
}

// A connection that carries a PING every T has its kernel's ACKs to go by, and a full accept queue does not stop
// those: if they end and its port is silent too, the peer cannot be reached, whatever answers on other ports.
bool PeerHealth::hostCheckTells() const { return options_.confirmPort != 0 && !plan_.cadence().pingsEach; }

// A second round adds to the first: whoever was asked may still answer.
void PeerHealth::startConfirm(TimePoint now, Actions& actions) {
  const uint32_t least = std::max(options_.confirmConnects, 1u);
  const uint32_t connects = loss_.confirmConnects(least, std::max(least, options_.confirmConnectsMax));
  if (!detector_.secondRound()) {
    confirmConnects_ = 0;
    actions.add(StopConnects{ConnectPurpose::kConfirm});
    actions.add(StopConnects{ConnectPurpose::kHostCheck});
  }
  confirmConnects_ += connects;
  detector_.confirmTried(true);
  askKeptConnection(now, actions);
  burst_.begin(connects, ConfirmBurst::staggerFor(limits_.confirm, limits_.answer), now);
}

// Where nothing else can tell a full accept queue from a cut, no death before the kept connection's kernel was asked and
// had its time. A request asks it, if none is waiting: its kernel may delay that ACK. Else a keepalive probe, as soon as
// nothing has come for a second; a peer that is really cut off seldom has a request waiting, so that costs no time. Between
// two connections there is nobody to ask, and silence has to last.
void PeerHealth::askKeptConnection(TimePoint now, Actions& actions) {
  endDraws();
  blind_ = false;
  // In its first second a host is on trial; one that has answered every echo as long as it gave signs of life, and none since,
  // is as silent as one that is trusted.
  if (plan_.echoesNeverMissed(detector_.lastEvidence() - limits_.answer)) return;
  blind_ = plan_.lastResort() && !plan_.drawTells(kernel_);
  if (blind_) detector_.confirmSent(now + kBlindPatience);
  if (!plan_.lastResort() || blind_) return;
  if (plan_.requestNow(now, actions)) {
    detector_.confirmSent(now + limits_.answer + requestAck_);
    return;
  }
  drawsLeft_ = std::max(confirmConnects_ / 2, 1U);
  drawAt_ = now + std::max<Duration>(ProbePlan::kDrawIdle + kKernelTick - kernel_.lastAckReceived, Duration::zero());
  detector_.confirmSent(drawAt_ + limits_.answer + kKernelTick);
}

void PeerHealth::drawAck(TimePoint now, Actions& actions) {
  if (now < drawAt_) return;
  drawAt_ = TimePoint::max();
  const auto epoch = plan_.drawable();
  if (!epoch.has_value()) return;
  actions.add(DrawAck{*epoch});
  if (kernel_.segments.sent == 0) return;  // not counted
  sentBefore_ = kernel_.segments.sent;
  drawnAt_ = now;
}

void PeerHealth::endDraws() {
  drawAt_ = TimePoint::max();
  drawsLeft_ = 0;
  sentBefore_.reset();
}

// Its time to be answered begins when the probe has left this host. One may be lost on the way.
void PeerHealth::considerDraw(TimePoint now) {
  if (!sentBefore_.has_value()) return;
  const bool left = kernel_.segments.sent != *sentBefore_;
  if (!left && now - drawnAt_ < kDrawPatience) {
    detector_.confirmSent(now + kKernelTick);
    return;
  }
  sentBefore_.reset();
  detector_.confirmSent(now + limits_.answer);
  if (!left || drawsLeft_ == 0 || --drawsLeft_ == 0) return;
  drawAt_ = now + limits_.answer;
  detector_.confirmSent(drawAt_ + limits_.answer + kKernelTick);
}

void PeerHealth::openConfirmConnects(TimePoint now, Actions& actions) {
  const uint32_t connects = burst_.take(now);
  if (connects == 0) return;
  detector_.confirmSent(now + limits_.answer);
  actions.add(StartConnects{ConnectPurpose::kConfirm, connects});
  if (hostCheckTells()) actions.add(StartConnects{ConnectPurpose::kHostCheck, (connects + 1) / 2});
}

void PeerHealth::startFrom(uint16_t generation) {
  word_.generation = generation;
  circuit_.published(generation);
}

void PeerHealth::publish(TimePoint now, const Before& before, Actions& actions) {
  CircuitWord next = word_;
  next.verdict = detector_.verdict();
  next.circuit = circuit_.state();
  next.reason = circuit_.reason();
  next.overridden = circuit_.overridden();
  const bool renewed = circuit_.renewals() != renewals_ && next.circuit == CircuitState::kHalfOpen;
  renewals_ = circuit_.renewals();
  const bool changed = next.pack() != word_.pack();
  if (!changed && !renewed) return;
  ++next.generation;
  if (next.verdict != word_.verdict || next.circuit != word_.circuit) {
    const auto millis = std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count();
    next.sinceMillis = static_cast<uint32_t>(millis);
  }
  if (next.circuit != word_.circuit) {
    circuit_.published(next.generation);
  } else {
    circuit_.follow(next.generation);
  }
  actions.add(Publish{next});
  if (changed) {
    actions.add(Report{Transition{peer_, word_, next, now, detector_.lastEvidence(), evidence(now, before)}});
  }
  word_ = next;
}

Evidence PeerHealth::evidence(TimePoint now, const Before& before) const {
  Evidence evidence;
  evidence.silence = now - before.heard;
  if (before.processHeard != TimePoint()) evidence.processSilence = now - before.processHeard;
  evidence.lastAckReceived = kernel_.lastAckReceived;
  evidence.unacked = kernel_.unacked;
  evidence.pingsOutstanding = before.outstanding;
  evidence.confirmConnects = confirmConnects_;
  evidence.consecutiveFailures = circuit_.consecutiveFailures();
  evidence.rtt = rtt_.smoothed();
  evidence.error = lastError_;
  return evidence;
}

// A lost PING's retransmission is drawn by the next one, T later (DetectionLimits::of), or by the kernel's timer
// after 200 ms: an answer that took more than most of that came after a gap.
void PeerHealth::keepScore(TimePoint now, Duration unanswered, bool watched, Actions& actions) {
  const bool recovering = detector_.recovering();
  score_.verdict(detector_.verdict());
  if (!watched) {
    score_.skip(now);
    return;
  }
  // Each PING is unanswered for a round trip; from S on the process owes its answer.
  if (!score_.advance(now, recovering ? Duration::max() : unanswered - limits_.silence)) return;
  if (recovering || detector_.verdict() == Verdict::kStalled) {
    trend_.reset();  // known, and reported as a transition
  } else if (const auto decline = trend_.add(score_.reading(), now); decline.has_value()) {
    actions.add(Warn{Degrading{peer_, now, *decline}});
  }
}

}  // namespace peerpulse::health
