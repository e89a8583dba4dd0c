#include "peerpulse/health/circuit.h"

#include <algorithm>

#include "peerpulse/base/assert.h"

namespace peerpulse::health {

Circuit::Circuit(const ProbeOptions& options)
    : threshold_(options.failureThreshold),
      openFor_(options.openFor),
      countTimeouts_(options.countTimeouts),
      countServerErrors_(options.countServerErrors) {}

void Circuit::onVerdict(Verdict verdict, bool stalledTooLong, TimePoint now) {
  verdict_ = verdict;
  switch (verdict) {
    case Verdict::kDead:
    case Verdict::kRefusing: outage(verdict, now); return;
    case Verdict::kStalled:
      if (stalledTooLong) probeReason_ = Reason::kProcessStalled;
      return;
    case Verdict::kAlive: alive(now); return;
    case Verdict::kUnknown:
    case Verdict::kSuspect: return;  // undecided: the gate stays as it is
  }
}

void Circuit::outage(Verdict verdict, TimePoint now) {
  if (probeReason_ == Reason::kNone) {
    failures_ = 0;
    if (passive_ != CircuitState::kClosed && now - openedAt_ <= kExplained) transition(CircuitState::kClosed, now);
  }
  if (probeReason_ == Reason::kNone || probeReason_ == Reason::kFlapping) {
    std::rotate(outages_.begin(), outages_.begin() + 1, outages_.end());
    outages_.back() = now;
  }
  closeAt_ = TimePoint::max();
  probeReason_ = verdict == Verdict::kDead ? Reason::kProbeSilence : Reason::kConnectRefused;
}

void Circuit::alive(TimePoint now) {
  if (probeReason_ == Reason::kNone) return;
  // A stall was no flap: its end closes at once.
  if (closeAt_ == TimePoint::max()) {
    closeAt_ = probeReason_ == Reason::kProcessStalled ? now : now + damping(now);
  }
  probeReason_ = now >= closeAt_ ? Reason::kNone : Reason::kFlapping;
  if (probeReason_ == Reason::kNone) closeAt_ = TimePoint::max();
}

Duration Circuit::damping(TimePoint now) const {
  uint32_t recent = 0;
  for (const TimePoint at : outages_)
    recent += at != TimePoint() && now - at <= kFlapWindow ? 1U : 0U;
  return recent < kFlaps ? Duration::zero() : std::min(kMaxDamping, kFirstDamping * (1 << (recent - kFlaps)));
}

Circuit::Weight Circuit::weigh(Outcome outcome) const {
  switch (outcome) {
    case Outcome::kSuccess: return Weight::kSuccess;
    case Outcome::kConnectFailure:
    case Outcome::kReset: return Weight::kFailure;
    case Outcome::kTimeout: return countTimeouts_ ? Weight::kFailure : Weight::kNeither;
    case Outcome::kServerError: return countServerErrors_ ? Weight::kFailure : Weight::kSuccess;
  }
  return Weight::kNeither;
}

void Circuit::onOutcome(const OutcomeRecord& record, TimePoint now) {
  if (threshold_ == 0 || overridden() || probeReason_ != Reason::kNone) return;
  if (static_cast<int16_t>(record.generation - generation_) < 0) return;
  Weight weight = weigh(record.outcome);
  // A trial must be decided, or the circuit would stay half-open: what did not succeed has failed.
  if (passive_ == CircuitState::kHalfOpen && weight == Weight::kNeither) weight = Weight::kFailure;
  if (weight == Weight::kNeither || passive_ == CircuitState::kOpen) return;
  if (weight == Weight::kSuccess) {
    failures_ = 0;
    if (passive_ == CircuitState::kHalfOpen) transition(CircuitState::kClosed, now);
    return;
  }
  failures_ += failures_ < UINT32_MAX ? 1 : 0;
  if (passive_ == CircuitState::kHalfOpen || failures_ >= threshold_) transition(CircuitState::kOpen, now);
}

void Circuit::onOverride(const CircuitOverride& change, TimePoint now) {
  override_ = change.kind;
  overrideUntil_ = TimePoint::max();
  if (overridden() && change.ttl > Duration::zero() && change.ttl < TimePoint::max() - now) {
    overrideUntil_ = now + change.ttl;
  }
  // The operator has decided: what requests said before is settled.
  failures_ = 0;
  if (overridden() && passive_ != CircuitState::kClosed) transition(CircuitState::kClosed, now);
}

void Circuit::tick(TimePoint now) {
  if (now >= overrideUntil_) {
    override_ = CircuitOverride::Kind::kAuto;
    overrideUntil_ = TimePoint::max();
  }
  if (passive_ == CircuitState::kOpen && now - openedAt_ >= openFor_) {
    transition(CircuitState::kHalfOpen, now);
  } else if (now >= trialUntil_) {
    trialUntil_ = now + std::max(openFor_, kMinTrial);
    ++renewals_;
  }
}

void Circuit::transition(CircuitState to, TimePoint now) {
  PP_ASSERT(to != passive_);
  PP_ASSERT(to != CircuitState::kHalfOpen || passive_ == CircuitState::kOpen);
  passive_ = to;
  trialUntil_ = to == CircuitState::kHalfOpen ? now + std::max(openFor_, kMinTrial) : TimePoint::max();
  if (to == CircuitState::kOpen) openedAt_ = now;
  if (to == CircuitState::kClosed) failures_ = 0;
}

CircuitState Circuit::state() const {
  if (overridden()) {
    return override_ == CircuitOverride::Kind::kOpen ? CircuitState::kOpen : CircuitState::kClosed;
  }
  return probeReason_ != Reason::kNone ? CircuitState::kOpen : passive_;
}

Reason Circuit::reason() const {
  if (overridden()) return Reason::kOperator;
  if (probeReason_ != Reason::kNone) return probeReason_;
  if (passive_ != CircuitState::kClosed) return Reason::kRequestFailures;
  switch (verdict_) {
    case Verdict::kUnknown: return Reason::kStartup;
    case Verdict::kSuspect: return Reason::kProbeSilence;
    case Verdict::kStalled: return Reason::kProcessStalled;
    default: return Reason::kProbeAck;
  }
}

TimePoint Circuit::nextDeadline() const {
  const TimePoint halfOpen = passive_ == CircuitState::kOpen ? openedAt_ + openFor_ : TimePoint::max();
  // A suspicion meanwhile: the peer is not alive, and is asked again when it is.
  const TimePoint close = verdict_ == Verdict::kAlive ? closeAt_ : TimePoint::max();
  return std::min({overrideUntil_, halfOpen, trialUntil_, close});
}

}  // namespace peerpulse::health
