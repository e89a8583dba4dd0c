// AdmissionRamp: a peer that comes back after an outage gets its exchanges in steps of 1, 2, 4, 8 ... instead of all
// that have gathered, from every client at once (design section 3). After kLength at the latest there is no limit.
// Pure: time and jitter come in, the answer is a value.
#pragma once

#include <cstdint>

#include "peerpulse/base/time.h"

namespace peerpulse::upstream {

class AdmissionRamp {
 public:
  static constexpr Duration kLength = milliseconds(200);
  static constexpr uint32_t kSteps = 8;

  /// The outage is over. `jitter`, 0 to 1, shortens the steps by up to two fifths, so that the workers and nodes
  /// that saw the peer return at the same moment do not step together.
  void start(TimePoint now, double jitter);
  /// The peer is gone again.
  void stop() { end_ = TimePoint(); }
  bool ramping(TimePoint now) const { return now < end_; }

  /// Whether one more exchange may go now.
  bool mayAdmit(TimePoint now) const;
  /// The same, and counts it if so.
  bool admit(TimePoint now);
  /// When more may go, or the ramp ends. Requires ramping(now).
  TimePoint nextStep(TimePoint now) const { return start_ + (stepAt(now) + 1) * step_; }

 private:
  uint32_t stepAt(TimePoint now) const { return static_cast<uint32_t>((now - start_) / step_); }

  TimePoint start_;
  TimePoint end_;
  Duration step_ = kLength / kSteps;
  uint32_t current_ = 0;   // the step that admitted_ is of
  uint32_t admitted_ = 0;  // in the current step
};

}  // namespace peerpulse::upstream
