// LatencyHistogram: durations in log-linear buckets (16 per power of two microseconds: 6 % error), in
// constant memory however many there are.
//
// Threading: one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "peerpulse/base/time.h"

namespace peerpulse::erasure_writer {

class LatencyHistogram {
 public:
  void record(Duration latency);
  uint64_t count() const { return count_; }
  /// The upper bound of the bucket that holds this part of the values; 0 when there are none.
  double quantileMillis(double quantile) const;
  double maxMillis() const { return toMillis(max_); }

 private:
  static constexpr int kSubBuckets = 16;
  static constexpr int kPowers = 36;  // up to 19 hours

  static size_t bucketOf(uint64_t micros);
  static uint64_t upperBound(size_t bucket);

  std::array<uint64_t, kSubBuckets * kPowers> buckets_{};
  uint64_t count_ = 0;
  Duration max_{};
};

}  // namespace peerpulse::erasure_writer
