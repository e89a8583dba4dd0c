// Deadline: until when a command waits. The only place of the command line that reads clocks.
//
// Threading: values.
#pragma once

#include "peerpulse/base/time.h"

namespace peerpulse::cli {

TimePoint now();
/// For the ages of what the admin dates.
WallTime wallNow();

class Deadline {
 public:
  explicit Deadline(Duration fromNow) : at_(now() + fromNow) {}
  /// Waits as long as it takes.
  static Deadline never() { return Deadline(TimePoint::max()); }

  bool passed() const { return left() <= Duration::zero(); }
  Duration left() const { return at_ == TimePoint::max() ? Duration::max() : at_ - now(); }
  /// For poll(): rounded up, so that it does not end just before; -1 without a limit.
  int pollMillis() const;

 private:
  explicit Deadline(TimePoint at) : at_(at) {}
  TimePoint at_;
};

}  // namespace peerpulse::cli
