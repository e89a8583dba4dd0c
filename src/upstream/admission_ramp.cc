#include "admission_ramp.h"

#include <algorithm>

namespace peerpulse::upstream {

void AdmissionRamp::start(TimePoint now, double jitter) {
  const double share = 1 - 0.4 * std::clamp(jitter, 0.0, 1.0);
  step_ = std::chrono::duration_cast<Duration>(share * (kLength / kSteps));
  start_ = now;
  end_ = now + kSteps * step_;
  current_ = admitted_ = 0;
}

bool AdmissionRamp::mayAdmit(TimePoint now) const {
  if (!ramping(now)) return true;
  // What a step did not use is not kept for the next.
  const uint32_t step = stepAt(now);
  return step != current_ || admitted_ < uint32_t{1} << step;
}

bool AdmissionRamp::admit(TimePoint now) {
  if (!mayAdmit(now)) return false;
  if (!ramping(now)) return true;
  if (const uint32_t step = stepAt(now); step != current_) {
    current_ = step;
    admitted_ = 0;
  }
  ++admitted_;
  return true;
}

}  // namespace peerpulse::upstream
