#include "deadline.h"

#include <algorithm>

#include <climits>

namespace peerpulse::cli {

TimePoint now() { return Clock::now(); }

WallTime wallNow() { return std::chrono::system_clock::now(); }

int Deadline::pollMillis() const {
  if (at_ == TimePoint::max()) return -1;
  const auto millis = std::chrono::ceil<milliseconds>(std::max(left(), Duration::zero())).count();
  return static_cast<int>(std::min<int64_t>(millis, INT_MAX));
}

}  // namespace peerpulse::cli
