#include "peerpulse/health/probe_plan.h"

#include <algorithm>

namespace peerpulse::health {

ProbePlan::ProbePlan(const ProbeOptions& options, uint32_t jitterSeed, TimePoint start, Duration phase)
    : interval_(options.interval),
      recoverInterval_(options.recoverInterval),
      phase_(phase),
      asksHealth_(!options.healthPath.empty()),
      hasOtherPort_(options.confirmPort != 0),
      random_(jitterSeed),
      echo_(options.icmp),
      requests_(options.processInterval),
      otherPort_(hasOtherPort_ ? OtherPort::kUnknown : OtherPort::kSilent) {
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

std::optional<Rungs> ProbePlan::rungs() const {
  if (recovering_ || relearning_) return std::nullopt;
  Rungs rungs;
  rungs.mode = mode_;
  if (rungs.mode == ProbeMode::kFastPing) return rungs;
  rungs.host = echo_.trusted() ? HostMeans::kEcho : HostMeans::kConnect;
  const bool pings = rungs.mode == ProbeMode::kSlowPing;
  rungs.process = pings ? ProcessMeans::kPing : asksRequests() ? ProcessMeans::kRequest : ProcessMeans::kConnect;
  return rungs;
}

bool ProbePlan::asksRequests() const {
  if (brief_ >= kMaxBrief && lastResort()) return false;
  return mode_ == ProbeMode::kL4 && (asksHealth_ || protocol_ == PeerProtocol::kHttp1) && !requests_.useless();
}

bool ProbePlan::wantsConnects() const {
  // A process that is busy shaking hands says nothing, and there is nothing to ask on the connection: its host is asked beside it.
  if (state_ == State::kHandshaking && (recovering_ || mode_ == ProbeMode::kFastPing)) return true;
  if (mode_ == ProbeMode::kFastPing) return false;
  if (recovering_) return mode_ == ProbeMode::kL4 && !asksHealth_;
  return !echo_.trusted() || !asksRequests();
}

Duration ProbePlan::attemptLifetime(const PathRtt& path) const {
  if (path.measured) return std::max(recoverInterval_, 2 * path.smoothed + milliseconds(10));
  return recovering_ ? recoverInterval_ : std::max(recoverInterval_, kUnmeasuredLifetime);
}

Duration ProbePlan::reached(TimePoint now) {
  state_ = State::kHandshaking;
  heardHere_ = now;
  expiry_ = now + (recovering_ || relearning_ ? kRecoveryHandshake : kHandshakePatience);
  nextConnect_ = std::max(nextConnect_, now + interval_);
  return now - openedAt_;
}

std::optional<Duration> ProbePlan::connected(TimePoint now) {
  const bool shookHands = state_ == State::kHandshaking;
  state_ = State::kOpen;
  heardHere_ = now;
  nextPing_ = now;
  expiry_ = recovering_ || relearning_ ? now + kAnswerPatience : TimePoint::max();
  return shookHands ? std::nullopt : std::optional(now - openedAt_);
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
    if (!lastResort()) close(now, actions);
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
    nextConnect_ = nextEcho_ = now;
  }
  close(now, actions);
}

void ProbePlan::closed(bool notHttp2, bool refused, TimePoint now) {
  const bool wasReached = state_ != State::kConnecting;
  if (wasReached && answersHere_ > 0 && !requests_.outstanding()) brief_ = answersHere_ == 1 ? brief_ + 1 : 0;
  ended(now);
  if (lastResort() && answersHere_ > 0) nextOpen_ = now;
  if (refused) strikes_ = 0;  // the process ended: no sign of what it speaks
  if (!wasReached || answered_ || !usesHttp2()) return;
  if (notHttp2) protocol_ = PeerProtocol::kHttp1;
  if (notHttp2 || relearning_ || ++strikes_ >= kMaxStrikes) withoutHttp2();
}

void ProbePlan::requestAnswered(TimePoint now, Actions& actions) {
  requests_.answered(now);
  heardHere_ = now;
  ++answersHere_;
  if (!recovering_) return;
  close(now, actions);
  nextOpen_ = std::max(nextOpen_, now + kHealthRetry);
}

bool ProbePlan::requestNow(TimePoint now, Actions& actions) {
  if (state_ != State::kOpen || answersHere_ == 0 || !requestsDue() || !requests_.sendNow(now)) return false;
  actions.add(SendRequest{epoch_});
  return true;
}

void ProbePlan::suspicionRefuted(TimePoint now, Duration patience) {
  if (asksHost() && echo_.refuted(now, patience)) nextConnect_ = now;
}

void ProbePlan::connectAnswered() {
  unansweredConnects_ = 0;
  if (!recovering_) nextConnect_ = std::max(nextConnect_, lastConnect_ + connectInterval());
}

void ProbePlan::answeredElsewhere(const KernelView& here, TimePoint now, Actions& actions) {
  if (state_ != State::kOpen || now - heardHere_ <= kBrokenAfter) return;
  // A process that owes an answer to a request has no more to acknowledge, its kernel has done so; and it acknowledges a
  // keepalive probe every second interval.
  const bool old = requests_.proved() && here.lastAckReceived > 5 * processInterval() / 2 + kBrokenAfter;
  const bool mute = here.unacked > 0 || old;
  const bool waits = requests_.outstanding() && now - requests_.owedSince() > kBrokenAfter;
  if (usesHttp2() ? outstanding() > 0 : waits && mute) close(now, actions);
}

void ProbePlan::postponeFor(TimePoint at) {
  const TimePoint next = at + 3 * interval_ / 4;
  if (mode_ == ProbeMode::kFastPing) nextPing_ = std::max(nextPing_, next);
  nextConnect_ = std::max(nextConnect_, echo_.trusted() ? at + connectInterval() : next);
  if (echo_.trusted()) nextEcho_ = std::max(nextEcho_, next);
  requests_.heard(at);
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
  nextConnect_ = nextEcho_ = now;
  unansweredConnects_ = 0;
  echo_.outageEnded(now);
  requests_.forget();
  brief_ = 0;
  portTrials_ = 0;
  otherPort_ = hasOtherPort_ ? OtherPort::kUnknown : OtherPort::kSilent;
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
  nextOpen_ = TimePoint();  // what is opened now is of another kind
}

void ProbePlan::open(TimePoint now, const PathRtt& path, Actions& actions) {
  ++epoch_;
  if (recovering_) requests_.forget();  // whatever it had shown of them, now they are all there is to ask
  sent_ = acked_ = 0;
  answered_ = false;
  answersHere_ = 0;
  state_ = State::kConnecting;
  kind_ = usesHttp2() ? ConnectionKind::kHttp2 : ConnectionKind::kRequests;
  openedAt_ = heardHere_ = now;
  const bool kept = kind_ == ConnectionKind::kRequests && !recovering_;
  nextOpen_ = now + (kept ? processInterval() : recoverInterval_ + jitter(recoverInterval_));
  expiry_ = now + (kept ? std::max<Duration>(attemptLifetime(path), kAnswerPatience) : attemptLifetime(path));
  actions.add(OpenConnection{epoch_, kind_});
}

void ProbePlan::close(TimePoint now, Actions& actions) {
  if (state_ == State::kNone) return;
  ended(now);
  actions.add(CloseConnection{epoch_});
}

void ProbePlan::ended(TimePoint now) {
  state_ = State::kNone;
  expiry_ = TimePoint::max();
  if (kind_ == ConnectionKind::kRequests) requests_.ended();
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

// Only where it may be needed: to some a SYN to a closed port looks like a scan.
void ProbePlan::tryOtherPort(TimePoint now, Actions& actions) {
  actions.add(StopConnects{ConnectPurpose::kHostCheck});
  if (portTrials_ == kPortTrials) {
    otherPort_ = OtherPort::kSilent;
    nextOpen_ = std::max(nextOpen_, now + interval_);  // of the connection that is needed now
    return;
  }
  ++portTrials_;
  nextPortTrial_ = now + kPortTrialInterval;
  actions.add(StartConnects{ConnectPurpose::kHostCheck, 1});
}

void ProbePlan::checkHostNow(Actions& actions) {
  if (lastResort() && drawable()) actions.add(DrawAck{epoch_});
  if (otherPort_ == OtherPort::kSilent) return;
  actions.add(StopConnects{ConnectPurpose::kHostCheck});
  actions.add(StartConnects{ConnectPurpose::kHostCheck, 1});
}

void ProbePlan::sendRequest(TimePoint now, Due& due, Actions& actions) {
  switch (requests_.advance(now)) {
    case ProcessCheck::Due::kNothing: break;
    case ProcessCheck::Due::kSend: actions.add(SendRequest{epoch_}); break;
    case ProcessCheck::Due::kOwed:
      due.owe(Asked::kProcess, requests_.owedSince());
      // A host that has forgotten the connection (it was restarted) says so. Host checks draw at a cadence of their own.
      if (nextHostCheck_ == TimePoint::max()) actions.add(DrawAck{epoch_});
      break;
  }
}

void ProbePlan::sendEcho(TimePoint now, Due& due, Actions& actions) {
  if (echo_.trusted()) ++due.exchanges;
  actions.add(SendEcho{echo_.send(now)});
  nextEcho_ = onGrid(now + interval_ / 2);
}

void ProbePlan::startConnect(TimePoint now, const PathRtt& path, Actions& actions) {
  if (recovering_) {  // one socket per peer: the last attempt has had its time
    actions.add(StopConnects{ConnectPurpose::kProbe});
    nextConnect_ = now + attemptLifetime(path) + jitter(recoverInterval_);
  } else if (echo_.trusted()) {  // sooner until it is answered: one that was lost on the way asked nobody
    constexpr uint32_t kMostDoubled = 16;
    nextConnect_ = now + std::min(interval_ * (1 << std::min(unansweredConnects_, kMostDoubled)), connectInterval());
  } else {
    nextConnect_ += interval_;
    if (nextConnect_ <= now) nextConnect_ = now + interval_;
  }
  lastConnect_ = now;
  ++unansweredConnects_;
  actions.add(StartConnects{ConnectPurpose::kProbe, 1});
}

void ProbePlan::checkHost(bool wanted, Duration every, TimePoint now, Actions& actions) {
  hostCheckInterval_ = every;
  const bool checking = nextHostCheck_ != TimePoint::max();
  if (wanted == checking) return;
  nextHostCheck_ = wanted ? now + every : TimePoint::max();
  if (!wanted) actions.add(StopConnects{ConnectPurpose::kHostCheck});
}

void ProbePlan::Due::owe(Asked how, TimePoint from) {
  since = asked == Asked::kNothing ? from : std::min(since, from);
  asked = std::max(asked, how);
}

ProbePlan::Due ProbePlan::advance(TimePoint now, const PathRtt& path, Actions& actions) {
  Due due;
  if (state_ != State::kNone && now >= expiry_) {
    const bool mute = state_ != State::kConnecting && relearning_ && !recovering_;
    close(now, actions);
    if (mute) withoutHttp2();
  }
  if (state_ == State::kOpen && outstanding() >= kMaxOutstanding) close(now, actions);
  if (!wantsConnection()) close(now, actions);  // the last resort is over
  if (state_ == State::kOpen && replaced() && now >= nextOpen_) close(now, actions);
  if (state_ == State::kNone && wantsConnection() && now >= nextOpen_) {
    open(now, path, actions);
    due.owe(kind_ == ConnectionKind::kHttp2 ? Asked::kProcess : Asked::kConnect, now);
  }
  if (state_ == State::kOpen && usesHttp2() && now >= nextPing_) {
    sendPing(now, actions);
    due.owe(Asked::kProcess, now);
  }
  if (state_ == State::kOpen && requestsDue()) sendRequest(now, due, actions);
  if (wantsConnects() && now >= nextConnect_) {
    startConnect(now, path, actions);
    due.owe(Asked::kConnect, now);
    ++due.exchanges;
  }
  if (asksHost() && now >= nextEcho_ && echo_.sends(now)) sendEcho(now, due, actions);
  if (now >= nextHostCheck_) {
    nextHostCheck_ = now + hostCheckInterval_;
    checkHostNow(actions);
  }
  if (triesOtherPort() && now >= nextPortTrial_) tryOtherPort(now, actions);
  if (recovering_ && now >= nextPatient_) {
    nextPatient_ = now + kPatientInterval;
    actions.add(StopConnects{ConnectPurpose::kPatient});
    actions.add(StartConnects{ConnectPurpose::kPatient, 1});
  }
  return due;
}

TimePoint ProbePlan::nextDeadline() const {
  TimePoint deadline = state_ == State::kNone ? nextHostCheck_ : std::min(nextHostCheck_, expiry_);
  if (state_ == State::kNone && wantsConnection()) deadline = std::min(deadline, nextOpen_);
  if (state_ == State::kOpen && usesHttp2()) deadline = std::min(deadline, replaced() ? nextOpen_ : nextPing_);
  if (state_ == State::kOpen && requestsDue()) deadline = std::min(deadline, requests_.next());
  if (triesOtherPort()) deadline = std::min(deadline, nextPortTrial_);
  if (wantsConnects()) deadline = std::min(deadline, nextConnect_);
  if (asksHost()) deadline = std::min(deadline, echo_.nextSend(nextEcho_));
  if (recovering_) deadline = std::min(deadline, nextPatient_);
  return deadline;
}

}  // namespace peerpulse::health
