#include "latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace peerpulse::erasure_writer {

// Below 16 a bucket per microsecond; above, the four bits after the leading one choose the bucket.
size_t LatencyHistogram::bucketOf(uint64_t micros) {
  if (micros < kSubBuckets) return static_cast<size_t>(micros);
  const auto power = static_cast<int>(std::bit_width(micros)) - 1;  // >= 4
  const uint64_t sub = (micros >> (power - 4)) - kSubBuckets;
  const size_t bucket = static_cast<size_t>(power - 3) * kSubBuckets + static_cast<size_t>(sub);
  return std::min(bucket, static_cast<size_t>(kSubBuckets * kPowers - 1));
}

uint64_t LatencyHistogram::upperBound(size_t bucket) {
  if (bucket < kSubBuckets) return bucket;
  const size_t power = bucket / kSubBuckets + 3;
  const uint64_t sub = bucket % kSubBuckets;
  return ((sub + kSubBuckets + 1) << (power - 4)) - 1;
}

void LatencyHistogram::record(Duration latency) {
  const auto micros = std::chrono::duration_cast<microseconds>(std::max(latency, Duration::zero())).count();
  ++buckets_[bucketOf(static_cast<uint64_t>(micros))];
  ++count_;
  max_ = std::max(max_, latency);
}

double LatencyHistogram::quantileMillis(double quantile) const {
  if (count_ == 0) return 0;
  const auto wanted = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(quantile * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return std::min(static_cast<double>(upperBound(i)) / 1000, maxMillis());
  }
  return maxMillis();
}

}  // namespace peerpulse::erasure_writer
