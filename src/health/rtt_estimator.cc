#include "peerpulse/health/rtt_estimator.h"

#include <algorithm>

namespace peerpulse::health {

void RttEstimator::add(Duration sample, TimePoint now) {
  sample = std::max(sample, Duration::zero());
  last_ = sample;
  const auto micros = std::chrono::duration_cast<microseconds>(sample).count();
  window_[count_ % kWindow] = static_cast<uint32_t>(std::min<int64_t>(micros, UINT32_MAX));
  ++count_;

  if (!measured_) {
    measured_ = true;
    smoothed_ = sample;
    variation_ = sample / 2;
    burstMin_ = sample;
  } else if (now - burstLast_ < spacing_) {
    burstMin_ = std::min(burstMin_, sample);
  } else {
    smooth(burstMin_);
    burstMin_ = sample;
  }
  burstLast_ = now;
}

void RttEstimator::restart(Duration sample, TimePoint now) {
  measured_ = false;
  add(sample, now);
}

void RttEstimator::smooth(Duration sample) {
  // RFC 6298 2.3: alpha 1/8, beta 1/4; the variation first, as it uses the old mean.
  variation_ = (3 * variation_ + std::chrono::abs(smoothed_ - sample)) / 4;
  smoothed_ = (7 * smoothed_ + sample) / 8;
}

Duration RttEstimator::percentile(unsigned percent) const {
  const size_t n = std::min(count_, kWindow);
  if (n == 0) return Duration::zero();
  std::array<uint32_t, kWindow> sorted = window_;
  const auto nth = sorted.begin() + static_cast<std::ptrdiff_t>((n - 1) * std::min(percent, 100u) / 100);
  std::nth_element(sorted.begin(), nth, sorted.begin() + static_cast<std::ptrdiff_t>(n));
  return microseconds(*nth);
}

}  // namespace peerpulse::health
