#include "peerpulse/health/failure_detector.h"

#include <algorithm>
#include <utility>

#include "peerpulse/base/assert.h"

namespace peerpulse::health {

namespace {

// What a loaded kernel may take to answer a SYN.
constexpr Duration kBusyHost = milliseconds(5);

}  // namespace

DetectionLimits DetectionLimits::of(const ProbeOptions& options, Duration interval, const PathRtt& path,
                                    const Signs& signs) {
  DetectionLimits limits;
  // One lost PING must not look like silence. The next one, T later, draws the SACK that triggers its fast
  // retransmission an RTT and a quarter (RFC 8985) after it: a gap of 2T + 1.25 RTT between two answers. A
  // quarter of T is for timers, four deviations for the path.
  const Duration lossGap = 9 * interval / 4 + path.longest();
  // Where a lost PING is sent again within milliseconds, it costs half of that gap.
  const Duration suspectAfter =
      options.suspectAfter - (signs.resending.has_value() || signs.echoes ? interval / 8 : Duration::zero());
  limits.silence = std::max(suspectAfter, lossGap);
  // Dense data: the PING that its end calls for goes out 3T/4 after it, and as much later it has been answered.
  if (signs.dense)
    limits.silence = std::max(options.suspectAfter - 3 * interval / 4, 3 * interval / 2 + path.longest());
  // The answer to a connect takes a round trip; a steady path has no variation, and still a host that is busy.
  limits.answer = 5 * path.smoothed / 4 + std::max<Duration>(4 * path.variation, kBusyHost);
  if (!path.measured) limits.answer = std::max(limits.answer, kUnmeasuredAnswer);
  limits.confirm = std::max(options.confirm, limits.answer);
  if (signs.resending.has_value()) {
    limits.delayedAck = std::min(kDelayedAck, kPromptAck + std::max(path.longest(), signs.resending->longest()));
  }
  return limits;
}

FailureDetector::FailureDetector(const ProbeOptions& options, TimePoint start)
    : stallAfter_(options.stallAfter),
      stallOpenAfter_(std::max(options.stallOpenAfter, options.stallAfter)),
      lastEvidence_(start),
      judgedFrom_(start),
      silentSince_(start) {}

void FailureDetector::answered(TimePoint at) {
  pauses_ = 0;
  lastEvidence_ = std::max(lastEvidence_, at);
  judgedFrom_ = std::max(judgedFrom_, at);
  settleDebt(at);
  kernelOnly_ = false;
  confirming_ = false;
  transition(Verdict::kAlive);
}

void FailureDetector::heard(TimePoint at) {
  lastEvidence_ = std::max(lastEvidence_, at);
  if (at > judgedFrom_ || (unansweredSince_.has_value() && at >= *unansweredSince_)) settleDebt(at);
  if (at <= judgedFrom_) return;  // older than the silence that is being judged
  kernelOnly_ = false;
  clear(at);
}

void FailureDetector::kernelHeard(TimePoint at, const DetectionLimits& limits) {
  lastEvidence_ = std::max(lastEvidence_, at);
  if (at <= judgedFrom_) return;
  kernelOnly_ = unansweredSince_.has_value() && at - *unansweredSince_ >= limits.silence / 2;
  clear(at);
}

void FailureDetector::kernelAnswered(TimePoint at, const DetectionLimits& limits) {
  kernelHeard(at, limits);
  kernelOnly_ = false;
}

void FailureDetector::clear(TimePoint at) {
  pauses_ = 0;
  judgedFrom_ = at;
  askedSince_ = confirming_ && at < confirmStart_;
  confirming_ = false;
  if (recovering()) return;
  const bool stalled = unansweredSince_.has_value() && at - *unansweredSince_ >= stallAfter_;
  transition(stalled ? Verdict::kStalled : Verdict::kAlive);
}

void FailureDetector::refused(TimePoint now) {
  lastEvidence_ = std::max(lastEvidence_, now);
  judgedFrom_ = std::max(judgedFrom_, now);
  confirming_ = false;
  kernelOnly_ = false;
  unansweredSince_.reset();
  transition(Verdict::kRefusing);
}

void FailureDetector::asked(Asked how, TimePoint since) {
  if (how == Asked::kNothing) return;
  if (!unansweredSince_.has_value()) {
    unansweredSince_ = std::max(since, owesFrom_);
    unanswered_ = how;
  }
  unanswered_ = std::max(unanswered_, how);
}

void FailureDetector::connectAnswered() {
  if (unanswered_ == Asked::kConnect) unansweredSince_.reset();
}

void FailureDetector::couldNotAsk(TimePoint now) {
  judgedFrom_ = std::max(judgedFrom_, now);
  settleDebt(now);
}

void FailureDetector::settleDebt(TimePoint at) {
  unansweredSince_.reset();
  owesFrom_ = std::max(owesFrom_, at);
}

void FailureDetector::giveUpConfirm(TimePoint now) {
  if (!confirming_) return;
  if (verdict_ != Verdict::kUnknown) {
    clear(now);
    return;
  }
  confirming_ = false;
  judgedFrom_ = now;
}

bool FailureDetector::voidRound(Duration late, const DetectionLimits& limits, TimePoint now) {
  // The process could not answer somebody who did not listen.
  if (unansweredSince_.has_value()) unansweredSince_ = std::min(now, *unansweredSince_ + late);
  if (!confirming_) {
    const bool startOver = late >= limits.silence && pauses_ < kMaxVoids;
    if (startOver) ++pauses_;
    judgedFrom_ = startOver ? now : std::min(now, judgedFrom_ + late);
    return false;
  }
  if (voids_ >= kMaxVoids) return false;
  ++voids_;
  confirmStart_ = answeredBy_ = now;
  confirmTried_ = false;
  return true;
}

FailureDetector::Step FailureDetector::judge(TimePoint now, const DetectionLimits& limits, bool ownHostSuspect) {
  if (unansweredSince_.has_value()) {
    const Duration unanswered = now - *unansweredSince_;
    if (verdict_ == Verdict::kAlive && unanswered >= stallAfter_) transition(Verdict::kStalled);
    if (verdict_ == Verdict::kStalled && unanswered >= stallOpenAfter_) stalledTooLong_ = true;
  }
  const TimePoint due = silenceDeadline(limits);
  const bool askedAlready = std::exchange(askedSince_, false);
  if (now < due) return Step::kNone;
  if (confirming_ && ownHostSuspect && !secondRound_) {
    secondRound_ = true;
    confirmStart_ = std::max(due, now - kTimerSlack);
    return Step::kConfirm;
  }
  if (confirming_ || verdict_ == Verdict::kRefusing) {
    confirming_ = false;
    transition(Verdict::kDead);
    return Step::kNone;
  }
  confirming_ = true;
  silentSince_ = judgedFrom_;
  if (verdict_ != Verdict::kUnknown) transition(Verdict::kSuspect);
  if (askedAlready) {
    confirmStart_ = due;
    return judge(now, limits, ownHostSuspect);  // C may be over, too
  }
  confirmTried_ = false;
  secondRound_ = false;
  voids_ = 0;
  confirmStart_ = std::max(due, now - kTimerSlack);
  answeredBy_ = now;
  return Step::kConfirm;
}

TimePoint FailureDetector::confirmDeadline(const DetectionLimits& limits) const {
  const TimePoint confirmed = std::max(confirmStart_ + limits.confirm, answeredBy_);
  return confirmTried_ ? confirmed : std::max(confirmed, silentSince_ + kUnconfirmedSilence);
}

TimePoint FailureDetector::silenceDeadline(const DetectionLimits& limits) const {
  if (verdict_ == Verdict::kDead) return TimePoint::max();
  if (confirming_) return confirmDeadline(limits);
  const TimePoint deadline = judgedFrom_ + limits.silence;
  // Refusing: the recovery attempts, one RST each, were the confirm.
  if (verdict_ == Verdict::kRefusing) return deadline + limits.confirm;
  return kernelOnly_ ? deadline + limits.delayedAck : deadline;
}

TimePoint FailureDetector::nextDeadline(const DetectionLimits& limits) const {
  TimePoint deadline = silenceDeadline(limits);
  if (!unansweredSince_.has_value()) return deadline;
  if (verdict_ == Verdict::kAlive) deadline = std::min(deadline, *unansweredSince_ + stallAfter_);
  if (verdict_ == Verdict::kStalled && !stalledTooLong_) {
    deadline = std::min(deadline, *unansweredSince_ + stallOpenAfter_);
  }
  return deadline;
}

Duration FailureDetector::unansweredFor(TimePoint now) const {
  return unansweredSince_.has_value() ? now - *unansweredSince_ : Duration::zero();
}

void FailureDetector::transition(Verdict to) {
  if (to == verdict_) return;
  PP_ASSERT(to != Verdict::kUnknown);
  // A suspicion of a stalled peer keeps its circuit as it was; any other verdict ends the stall.
  if (to != Verdict::kStalled && to != Verdict::kSuspect) stalledTooLong_ = false;
  verdict_ = to;
}

}  // namespace peerpulse::health
