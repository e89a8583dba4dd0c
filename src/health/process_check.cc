#include "peerpulse/health/process_check.h"

#include <algorithm>

namespace peerpulse::health {

void ProcessCheck::heard(TimePoint at) { next_ = std::max(next_, at + interval_); }

void ProcessCheck::answered(TimePoint now) {
  state_ = State::kProved;
  strikes_ = 0;
  sentAt_.reset();
}

void ProcessCheck::ended() {
  if (sentAt_.has_value() && state_ == State::kUntried && ++strikes_ >= kMaxStrikes) state_ = State::kUseless;
  sentAt_.reset();
}

void ProcessCheck::forget() {
  state_ = State::kUntried;
  strikes_ = 0;
  next_ = TimePoint();
}

bool ProcessCheck::sendNow(TimePoint now) {
  if (sentAt_.has_value() || useless()) return false;
  sentAt_ = now;
  next_ = now + interval_;
  return true;
}

ProcessCheck::Due ProcessCheck::advance(TimePoint now) {
  if (now < next_ || useless()) return Due::kNothing;
  if (sendNow(now)) return Due::kSend;
  next_ = now + interval_;
  if (state_ == State::kProved) return Due::kOwed;
  if (now - *sentAt_ >= kPatience) state_ = State::kUseless;
  return Due::kNothing;
}

}  // namespace peerpulse::health
