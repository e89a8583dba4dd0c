// Occasional: for what may happen thousands of times a second and must not fill the log: one line now and then, and a
// counter for all of them.
//
//   if (refusals.due(now)) log::write(Level::kWarn, "clients_turned_away", ...);
//
// Threading: one thread.
#pragma once

#include "peerpulse/base/time.h"

namespace peerpulse::log {

class Occasional {
 public:
  explicit Occasional(Duration interval = seconds(1)) : interval_(interval) {}

  /// True for the first, and then once per interval at most.
  bool due(TimePoint now) {
    if (now < next_) return false;
    next_ = now + interval_;
    return true;
  }

 private:
  Duration interval_;
  TimePoint next_;
};

}  // namespace peerpulse::log
