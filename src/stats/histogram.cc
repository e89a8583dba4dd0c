#include "peerpulse/stats/histogram.h"

#include <algorithm>

#include "peerpulse/base/assert.h"

namespace peerpulse::stats {

namespace {

// Above this (a century) an observation is a bug of its caller; it must not overflow the sum's conversion.
constexpr double kMaxSeconds = 3.2e9;

}  // namespace

uint64_t Histogram::Snapshot::count() const {
  uint64_t n = 0;
  for (const uint64_t bucket : perBucket)
    n += bucket;
  return n;
}

Histogram::Histogram(std::span<const double> boundsSeconds) : bounds_(boundsSeconds) {
  PP_ASSERT(bounds_.size() <= kMaxBounds);
  PP_ASSERT(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::observe(double seconds) {
  if (!(seconds > 0)) seconds = 0;  // NaN too
  seconds = std::min(seconds, kMaxSeconds);
  size_t bucket = 0;
  while (bucket < bounds_.size() && seconds > bounds_[bucket])
    ++bucket;
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sumNanos_.fetch_add(static_cast<uint64_t>(seconds * 1e9), std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot s;
  s.bounds = bounds_;
  for (size_t i = 0; i <= bounds_.size(); ++i)
    s.perBucket[i] = counts_[i].load(std::memory_order_relaxed);
  s.sumSeconds = static_cast<double>(sumNanos_.load(std::memory_order_relaxed)) / 1e9;
  return s;
}

}  // namespace peerpulse::stats
