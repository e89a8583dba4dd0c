#include "peerpulse/health/probe_plan.h"

#include <algorithm>

namespace peerpulse::health {

ProbePlan::ProbePlan(const ProbeOptions& options, uint32_t jitterSeed, TimePoint start, Duration phase)
    : interval_(options.interval),
      recoverInterval_(options.recoverInterval),
      asksHealth_(!options.healthPath.empty()),
      phase_(phase),
      random_(jitterSeed) {
  // jitter() gives up to a quarter: four times that spreads the first probes of all peers over T.
  nextOpen_ = start + 4 * jitter(interval_);
  nextConnect_ = nextPing_ = nextOpen_;
}

Duration ProbePlan::jitter(Duration d) {
  random_ = random_ * 1664525u + 1013904223u;  // Numerical Recipes' generator: only spreads load
  return d * (random_ >> 16) / (4 * 65536);
}

TimePoint ProbePlan::onGrid(TimePoint t) const {
  const Duration late = (t.time_since_epoch() - phase_) % interval_;
  return late == Duration::zero() ? t : t + (interval_ - late);
}

Duration ProbePlan::pingInterval() const {
  return outstanding() < kSlowedOutstanding ? interval_ : std::max(kSlowedInterval, interval_);
}

Duration ProbePlan::probeInterval() const { return mode_ == ProbeMode::kFastPing ? pingInterval() : interval_; }

bool ProbePlan::wantsConnects() const {
  if (mode_ == ProbeMode::kL4) return !(recovering_ && asksHealth_);
  return mode_ == ProbeMode::kSlowPing && !recovering_;
}

Duration ProbePlan::attemptLifetime(const PathRtt& path) const {
  if (path.measured) return std::max(recoverInterval_, 2 * path.smoothed + milliseconds(10));
  return recovering_ ? recoverInterval_ : std::max(recoverInterval_, kUnmeasuredLifetime);
}

Duration ProbePlan::connected(TimePoint now) {
  state_ = State::kOpen;
  heardHere_ = now;
  nextPing_ = now;
  expiry_ = recovering_ || relearning_ ? now + kAnswerPatience : TimePoint::max();
  return now - openedAt_;
}

ProbePlan::Ack ProbePlan::acked(uint32_t sequence, TimePoint now, Actions& actions) {
  // Only what was sent and not answered yet; TCP keeps ACKs in order, so a later one covers the earlier.
  if (sequence - acked_ - 1 >= sent_ - acked_) return {};
  Ack ack{true, {}};
  if (sent_ - sequence < kSlowedOutstanding) ack.rtt = now - sentAt_[sequence % kSlowedOutstanding];
  acked_ = sequence;
  answered_ = true;
  protocol_ = PeerProtocol::kHttp2;
  relearning_ = false;
  strikes_ = 0;
  heardHere_ = now;
  expiry_ = TimePoint::max();
  if (mode_ == ProbeMode::kSlowPing) {
    close(now, actions);
    nextOpen_ = std::max(nextOpen_, openedAt_ + std::max(kSlowPingInterval, interval_));
  } else {
    nextPing_ = std::min(nextPing_, onGrid(now + interval_));  // no longer slowed
  }
  return ack;
}

void ProbePlan::heardHere(TimePoint at) { heardHere_ = std::max(heardHere_, at); }

void ProbePlan::goneAway(bool enhanceYourCalm, TimePoint now, Actions& actions) {
  strikes_ = 0;
  if (enhanceYourCalm) {
    policed_ = true;
    mode_ = mode_ == ProbeMode::kFastPing ? ProbeMode::kSlowPing : ProbeMode::kL4;
    nextConnect_ = now;
  }
  close(now, actions);
}

void ProbePlan::closed(bool notHttp2, bool refused, TimePoint now) {
  const bool wasOpen = state_ == State::kOpen;
  ended(now);
  if (refused) strikes_ = 0;  // the process ended: no sign of what it speaks
  if (!wasOpen || answered_ || !usesHttp2()) return;
  if (notHttp2) protocol_ = PeerProtocol::kHttp1;
  if (notHttp2 || relearning_ || ++strikes_ >= kMaxStrikes) withoutHttp2();
}

void ProbePlan::healthAnswered(TimePoint now, Actions& actions) {
  close(now, actions);
  nextOpen_ = std::max(nextOpen_, now + kHealthRetry);
}

void ProbePlan::answeredElsewhere(TimePoint now, Actions& actions) {
  if (state_ == State::kOpen && usesHttp2() && now - heardHere_ > kBrokenAfter && outstanding() > 0) {
    close(now, actions);
  }
}

void ProbePlan::postponeFor(TimePoint at) {
  const TimePoint next = at + 3 * interval_ / 4;
  if (mode_ == ProbeMode::kFastPing) nextPing_ = std::max(nextPing_, next);
  nextConnect_ = std::max(nextConnect_, next);
}

void ProbePlan::outageBegan(TimePoint now, Actions& actions) {
  recovering_ = true;
  close(now, actions);
  actions.add(StopConnects{ConnectPurpose::kProbe});
  // Not later than the cadence of recovery, whatever a slow rung had planned.
  nextOpen_ = std::min(std::max(nextOpen_, now), now + recoverInterval_);
  nextConnect_ = now;
  nextPatient_ = now + recoverInterval_;
}

void ProbePlan::outageEnded(TimePoint now, Actions& actions) {
  recovering_ = false;
  actions.add(StopConnects{ConnectPurpose::kPatient});
  nextPatient_ = TimePoint::max();
  nextConnect_ = now;
  if (usesHttp2()) return;
  close(now, actions);
  if (policed_) return;
  mode_ = ProbeMode::kFastPing;  // it may be another program that came back
  relearning_ = true;
  protocol_ = PeerProtocol::kUnknown;
}

void ProbePlan::withoutHttp2() {
  mode_ = ProbeMode::kL4;
  relearning_ = false;
  strikes_ = 0;
}

void ProbePlan::open(TimePoint now, const PathRtt& path, Actions& actions) {
  ++epoch_;
  sent_ = acked_ = 0;
  answered_ = false;
  state_ = State::kConnecting;
  openedAt_ = heardHere_ = now;
  nextOpen_ = now + recoverInterval_ + jitter(recoverInterval_);
  expiry_ = now + attemptLifetime(path);
  actions.add(OpenConnection{epoch_, usesHttp2() ? ConnectionKind::kHttp2 : ConnectionKind::kHealthGet});
}

void ProbePlan::close(TimePoint now, Actions& actions) {
  if (state_ == State::kNone) return;
  ended(now);
  actions.add(CloseConnection{epoch_});
}

void ProbePlan::ended(TimePoint now) {
  state_ = State::kNone;
  expiry_ = TimePoint::max();
  if (mode_ == ProbeMode::kSlowPing && !recovering_) nextOpen_ = std::max(nextOpen_, now + kSlowRetry);
}

void ProbePlan::sendPing(TimePoint now, Actions& actions) {
  ++sent_;
  sentAt_[sent_ % kSlowedOutstanding] = now;
  actions.add(SendPing{epoch_, sent_});
  // On the grid, however late this one was: the missed ones are not made up for, and two are not closer than T/2.
  const Duration interval = pingInterval();
  nextPing_ = mode_ == ProbeMode::kSlowPing ? TimePoint::max() : onGrid(now + interval - interval_ / 2);
}

void ProbePlan::startConnect(TimePoint now, const PathRtt& path, Actions& actions) {
  if (recovering_) {  // one socket per peer: the last attempt has had its time
    actions.add(StopConnects{ConnectPurpose::kProbe});
    nextConnect_ = now + attemptLifetime(path) + jitter(recoverInterval_);
  } else {
    nextConnect_ += interval_;
    if (nextConnect_ <= now) nextConnect_ = now + interval_;
  }
  actions.add(StartConnects{ConnectPurpose::kProbe, 1});
}

void ProbePlan::checkHost(bool wanted, Duration every, TimePoint now, Actions& actions) {
  hostCheckInterval_ = every;
  const bool checking = nextHostCheck_ != TimePoint::max();
  if (wanted == checking) return;
  nextHostCheck_ = wanted ? now + every : TimePoint::max();
  if (!wanted) actions.add(StopConnects{ConnectPurpose::kHostCheck});
}

Asked ProbePlan::advance(TimePoint now, const PathRtt& path, Actions& actions) {
  Asked asked = Asked::kNothing;
  if (state_ != State::kNone && now >= expiry_) {
    const bool mute = state_ == State::kOpen && relearning_ && !recovering_;
    close(now, actions);
    if (mute) withoutHttp2();
  }
  if (state_ == State::kOpen && outstanding() >= kMaxOutstanding) close(now, actions);
  if (state_ == State::kNone && wantsConnection() && now >= nextOpen_) {
    open(now, path, actions);
    asked = Asked::kPing;
  }
  if (state_ == State::kOpen && usesHttp2() && now >= nextPing_) {
    sendPing(now, actions);
    asked = Asked::kPing;
  }
  if (wantsConnects() && now >= nextConnect_) {
    startConnect(now, path, actions);
    asked = std::max(asked, Asked::kConnect);
  }
  if (now >= nextHostCheck_) {
    nextHostCheck_ = now + hostCheckInterval_;
    actions.add(StopConnects{ConnectPurpose::kHostCheck});
    actions.add(StartConnects{ConnectPurpose::kHostCheck, 1});
  }
  if (recovering_ && now >= nextPatient_) {
    nextPatient_ = now + kPatientInterval;
    actions.add(StopConnects{ConnectPurpose::kPatient});
    actions.add(StartConnects{ConnectPurpose::kPatient, 1});
  }
  return asked;
}

TimePoint ProbePlan::nextDeadline() const {
  TimePoint deadline = state_ == State::kNone ? nextHostCheck_ : std::min(nextHostCheck_, expiry_);
  if (state_ == State::kNone && wantsConnection()) deadline = std::min(deadline, nextOpen_);
  if (state_ == State::kOpen && usesHttp2()) deadline = std::min(deadline, nextPing_);
  if (wantsConnects()) deadline = std::min(deadline, nextConnect_);
  if (recovering_) deadline = std::min(deadline, nextPatient_);
  return deadline;
}

}  // namespace peerpulse::health
