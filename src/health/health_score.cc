#include "peerpulse/health/health_score.h"

#include <algorithm>
#include <cmath>

namespace peerpulse::health {

namespace {

double factorOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAlive: return 1;
    case Verdict::kSuspect:
    case Verdict::kStalled: return 0.5;
    case Verdict::kUnknown:
    case Verdict::kDead:
    case Verdict::kRefusing: return 0;
  }
  return 0;
}

/// What is left of something after `span`.
double remaining(Duration span, Duration halfLife) { return std::exp2(-toSeconds(span) / toSeconds(halfLife)); }

}  // namespace

const char* toString(ScoreFactor factor) {
  switch (factor) {
    case ScoreFactor::kRtt: return "rtt";
    case ScoreFactor::kLoss: return "loss";
    case ScoreFactor::kAnswers: return "unanswered";
    case ScoreFactor::kExchanges: return "failures";
  }
  return "?";
}

void HealthScore::roundTrip(Duration rtt) { leastRtt_ = std::min(leastRtt_, rtt); }

void HealthScore::answered(bool late) {
  ++answers_;
  if (late && !late_) ++losses_;
  late_ = late;
}

void HealthScore::lost() {
  ++answers_;
  ++losses_;
}

void HealthScore::kernelLoss(double share) { kernelLoss_ = std::clamp(share, 0.0, 1.0); }

void HealthScore::outcome(bool failed) {
  ++exchanges_;
  if (failed) ++failures_;
}

void HealthScore::verdict(Verdict verdict) {
  if (verdict == verdict_) return;
  if (verdict == Verdict::kSuspect) owed_ += kSuspicion;
  verdict_ = verdict;
}

bool HealthScore::advance(TimePoint now, Duration overdue) {
  const Duration span = now - last_;
  last_ = now;
  if (verdict_ != Verdict::kUnknown) {  // before the first evidence there is nothing to compare with
    watched_ += span;
    owed_ += std::clamp(overdue, Duration::zero(), span);
  }
  if (now - readAt_ < kReadingInterval) return false;
  read(now - readAt_);
  readAt_ = now;
  return verdict_ != Verdict::kUnknown;
}

void HealthScore::skip(TimePoint now) { last_ = now; }

void HealthScore::readRtt(Duration span) {
  if (leastRtt_ == Duration::max()) return;  // PINGs were not needed, or not answered
  reading_.rtt = leastRtt_;
  leastRtt_ = Duration::max();
  if (reading_.baseline == Duration::zero()) {
    reading_.baseline = reading_.rtt;
    return;
  }
  const double rtt = std::max(toSeconds(reading_.rtt), 1e-9);
  double baseline = std::max(toSeconds(reading_.baseline), 1e-9);
  // By ratio, so that one dreadful second does not become the normal.
  const double keep = remaining(span, rtt < baseline ? kBaselineFalls : kBaselineRises);
  baseline *= std::exp2((1 - keep) * std::log2(rtt / baseline));
  reading_.baseline = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(baseline));
}

void HealthScore::read(Duration span) {
  readRtt(span);
  if (watched_ > Duration::zero()) {
    const double share = std::min(1.0, toSeconds(owed_) / toSeconds(watched_));
    const double keep = remaining(watched_, kUnansweredHalfLife);
    reading_.unanswered = keep * reading_.unanswered + (1 - keep) * share;
  }
  watched_ = owed_ = Duration::zero();

  reading_.loss = std::max(losses_ / (answers_ + kPriorAnswers), kernelLoss_);
  reading_.failures = failures_ / (exchanges_ + kPriorExchanges);
  const double keepLoss = remaining(span, kLossHalfLife);
  answers_ *= keepLoss;
  losses_ *= keepLoss;
  kernelLoss_ *= keepLoss;
  const double keepExchanges = remaining(span, kExchangesHalfLife);
  exchanges_ *= keepExchanges;
  failures_ *= keepExchanges;

  const double rtt = toSeconds(reading_.rtt);
  const double usual = toSeconds(2 * reading_.baseline + kRttSlack);
  reading_.factors = {rtt > usual ? usual / rtt : 1, 1 / (1 + reading_.loss / kHalvingLoss), 1 - reading_.unanswered,
                      1 - reading_.failures};
}

double HealthScore::value() const { return factorOf(verdict_) * reading_.value(); }

}  // namespace peerpulse::health
