#include "governor.h"

#include <algorithm>
#include <cmath>

#include "peerpulse/base/assert.h"

namespace peerpulse::upstream {

namespace {

constexpr double kMostCut = 0.5;
constexpr double kMostGrowth = 2;
/// Of the latency before that what is measured at the floor must at least be to be the peer's own.
constexpr double kByNature = 0.75;
/// In windows.
constexpr int kMostMeasuring = 8;

Duration scaled(Duration d, double factor) {
  return Duration(static_cast<Duration::rep>(static_cast<double>(d.count()) * factor));
}

double ratio(Duration a, Duration b) { return static_cast<double>(a.count()) / static_cast<double>(b.count()); }

bool legal(Governor::State from, Governor::State to) {
  using State = Governor::State;
  switch (from) {
    case State::kFree: return to == State::kLimiting;
    case State::kLimiting: return to == State::kFree || to == State::kMeasuring;
    case State::kMeasuring: return to == State::kFree || to == State::kLimiting;
  }
  return false;
}

}  // namespace

const char* toString(GovernorMode mode) {
  switch (mode) {
    case GovernorMode::kOff: return "off";
    case GovernorMode::kObserve: return "observe";
    case GovernorMode::kEnforce: return "enforce";
  }
  return "?";
}

Duration Governor::threshold() const {
  return baseline_ ? std::max(*baseline_ * options_.tolerance, options_.slowFrom) : Duration::max();
}

void Governor::enter(State to) {
  PP_ASSERT(legal(state_, to));
  state_ = to;
  limit_ = 0;
  slowLooks_ = calmLooks_ = 0;
}

// --- exchanges -------------------------------------------------------------------------------------------------

bool Governor::mayEnter(TimePoint now) {
  if (now >= lookAt_) look(now);
  if (state_ == State::kFree || inFlight_ < limit_) return true;
  ++refused_;
  ++refusedNow_;
  return false;
}

void Governor::enter() { peak_ = std::max(peak_, ++inFlight_); }

uint64_t Governor::owe() {
  ++owed_;
  return ++number_;
}

void Governor::forget(uint64_t number) {
  PP_ASSERT(owed_ > 0);
  --owed_;
  if (number <= excusedUpTo_) {
    --excused_;
  } else if (number <= markedUpTo_) {
    --waiting_;
  }
}

void Governor::answered(uint64_t number, Duration latency, TimePoint now) {
  --inFlight_;
  forget(number);
  if (number > changedAfter_) sample_.add(latency);
  if (latency <= threshold()) excuse();
  if (now >= lookAt_) look(now);
}

void Governor::left(uint64_t number, Duration waited) {
  PP_ASSERT(inFlight_ > 0);
  --inFlight_;
  if (number == 0) return;
  const bool accuses = number > excusedUpTo_ && number > changedAfter_ && waited > threshold();
  forget(number);
  if (accuses) sample_.add(waited);
}

/// All who wait now.
void Governor::excuse() {
  excusedUpTo_ = number_;
  excused_ = owed_;
  waiting_ = 0;
}

// --- looks -----------------------------------------------------------------------------------------------------

void Governor::begin(TimePoint now) {
  begunAt_ = now;
  lookAt_ = now + options_.window;
  markWaiting(now);
  peak_ = inFlight_;
  refusedNow_ = 0;
  sample_.clear();
}

void Governor::markWaiting(TimePoint now) {
  markedAt_ = now;
  markedUpTo_ = number_;
  waiting_ = owed_ - excused_;
}

// Waiting is no more than a lower bound of a latency: of use only where more would change nothing.
Duration Governor::leastAccusation() const {
  if (!baseline_ || state_ == State::kMeasuring) return Duration::max();
  return state_ == State::kFree ? threshold() : 2 * threshold();
}

// The median of those answered and of those who have waited since they were marked.
void Governor::look(TimePoint now) {
  if (begunAt_ == TimePoint()) {
    begin(now);
    return;
  }
  const uint32_t count = sample_.count() + waiting_;
  const Duration waited = now - markedAt_;
  lookAt_ = now + options_.window / 4;
  if (state_ == State::kMeasuring && count < kLeastSamples && now - since_ > options_.window * kMostMeasuring) {
    endMeasuring(now);  // those in flight are their clients', and say nothing
    begin(now);
  } else if (count < kLeastSamples) {
    markWaiting(now);  // more may wait by now
  } else if (count / 2 < sample_.count()) {
    judge(sample_.at(count / 2), true, now);
  } else if (waited > leastAccusation()) {
    judge(waited, false, now);
  }
}

void Governor::judge(Duration median, bool answered, TimePoint now) {
  latency_ = median;
  if (baseline_) {
    const bool slow = median > threshold();
    learn(median, slow, now - begunAt_);
    switch (state_) {
      case State::kFree: judgeFree(median, slow, answered, now); break;
      case State::kLimiting: judgeLimiting(median, slow, now); break;
      case State::kMeasuring: judgeMeasured(median, now); break;
    }
  } else {
    baseline_ = median;
    since_ = now;
  }
  begin(now);
}

// While limiting it would rise with what the limit lets through.
void Governor::learn(Duration median, bool slow, Duration passed) {
  if (median < *baseline_) {
    *baseline_ -= (*baseline_ - median) / 4;
  } else if (!slow && !limiting()) {
    *baseline_ += scaled(median - *baseline_, std::min(0.25, ratio(passed, options_.relearn)));
  }
}

// Measured with next to nothing to do. Step by step: it may be that others give the peer too much.
void Governor::raiseBaseline(Duration median) {
  baseline_ = std::min(median, std::max(*baseline_ * 2, options_.slowFrom));
}

void Governor::judgeFree(Duration median, bool slow, bool answered, TimePoint now) {
  // While it was quick: what comes just before it is slow is not usual.
  if (median <= threshold() / 2) {
    usual_ = std::max<double>(peakBefore_, usual_ * (1 - std::min(0.25, ratio(now - begunAt_, options_.relearn))));
    peakBefore_ = peak_;
  }
  const bool idle = peak_ <= options_.floor;
  if (!slow || !idle) since_ = now;
  if (answered && now - since_ >= options_.relearn) {
    raiseBaseline(median);
    since_ = now;
  }
  slowLooks_ = slow && !idle ? slowLooks_ + 1 : 0;
  if (slowLooks_ < kSlowLooks) return;
  enter(State::kLimiting);
  since_ = freedAt_ && now - *freedAt_ < options_.relearn ? now - limitedFor_ : now;
  refused_ = 0;
  setLimit(std::min(peak_ * std::max(kMostCut, ratio(threshold(), median)), usual_));
}

void Governor::judgeLimiting(Duration median, bool slow, TimePoint now) {
  const double limit = limit_;
  const bool longEnough = now - since_ >= options_.relearn;
  if (longEnough && peak_ <= options_.floor) {  // it has next to nothing to do as it is
    raiseBaseline(std::max(median, *baseline_));
    since_ = now;
  } else if (longEnough && options_.mode == GovernorMode::kEnforce) {
    enter(State::kMeasuring);
    limitBefore_ = limit;
    latencyBefore_ = median;
    since_ = now;
    setLimit(options_.floor);
    return;
  }
  if (slow) {
    calmLooks_ = 0;
    const double used = std::min(limit, static_cast<double>(peak_));
    setLimit(used * std::max(kMostCut, ratio(threshold(), median)) + std::sqrt(used));
    return;
  }
  calmLooks_ = refusedNow_ == 0 ? calmLooks_ + 1 : 0;
  if (calmLooks_ >= kCalmLooks) {
    enter(State::kFree);
    limitedFor_ = now - since_;
    freedAt_ = now;
    return;
  }
  if (refusedNow_ == 0 && peak_ < limit_ / 2) return;
  setLimit(limit * std::clamp(ratio(threshold(), median) / 2, 1.0, kMostGrowth) + std::sqrt(limit));
}

// If it helped that we gave the peer less, it is load that makes it slow: ours, or another worker's.
void Governor::judgeMeasured(Duration median, TimePoint now) {
  if (median > *baseline_ && median > scaled(latencyBefore_, kByNature)) raiseBaseline(median);
  endMeasuring(now);
}

void Governor::endMeasuring(TimePoint now) {
  enter(State::kLimiting);
  since_ = now;
  setLimit(limitBefore_);
}

void Governor::setLimit(double limit) {
  const auto now = static_cast<uint32_t>(std::clamp<double>(limit, options_.floor, UINT32_MAX / 2));
  if (now == limit_) return;
  limit_ = now;
  changedAfter_ = number_;
  excuse();
}

void Governor::reset() {
  if (limiting()) enter(State::kFree);
  baseline_.reset();
  latency_ = Duration::zero();
  slowLooks_ = 0;
  usual_ = peakBefore_ = 0;
  freedAt_.reset();
  begunAt_ = lookAt_ = TimePoint();
  sample_.clear();
  changedAfter_ = number_;
  excuse();
}

}  // namespace peerpulse::upstream
