// Histogram: counts of observations in fixed buckets, and their sum, as Prometheus understands it.
//
// Threading: any thread may observe, lock-free (relaxed atomics); snapshot() sees each bucket whole, though
// not
//   all buckets of one moment. The count is the sum of the buckets, so `+Inf` and `_count` always agree.
// Units: seconds at the interface, nanoseconds inside (2^64 ns are 584 years: the sum does not wrap).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "peerpulse/base/time.h"

namespace peerpulse::stats {

class Histogram {
 public:
  static constexpr size_t kMaxBounds = 16;

  struct Snapshot {
    std::span<const double> bounds;                    ///< upper bounds in seconds, inclusive, ascending
    std::array<uint64_t, kMaxBounds + 1> perBucket{};  ///< [bounds.size()] holds what is above the last bound
    double sumSeconds = 0;

    uint64_t count() const;
  };

  /// `boundsSeconds`: at most kMaxBounds, ascending, of static storage (only the view is kept).
  explicit Histogram(std::span<const double> boundsSeconds);

  /// Negative and NaN count as zero.
  void observe(double seconds);
  void observe(Duration d) { observe(toSeconds(d)); }

  Snapshot snapshot() const;

 private:
  std::span<const double> bounds_;
  std::array<std::atomic<uint64_t>, kMaxBounds + 1> counts_{};
  std::atomic<uint64_t> sumNanos_{0};
};

}  // namespace peerpulse::stats
