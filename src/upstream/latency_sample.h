// LatencySample: the latencies of one look's exchanges, and which of them so many were below. Buckets of an eighth of an
// octave, 16 us to 137 s: exact to 6 %, whatever the unit that a peer's latency comes in.
//
// Threading: one thread. Memory: fixed. add() is a few instructions.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "peerpulse/base/time.h"

namespace peerpulse::upstream {

class LatencySample {
 public:
  void add(Duration latency) {
    ++buckets_[bucketOf(latency)];
    ++count_;
  }
  uint32_t count() const { return count_; }
  /// The one that `rank` others are below. Requires rank < count().
  Duration at(uint32_t rank) const {
    size_t bucket = 0;
    for (uint32_t below = buckets_[0]; below <= rank; below += buckets_[bucket])
      ++bucket;
    return middleOf(bucket);
  }
  void clear() {
    if (count_ > 0) buckets_.fill(0);
    count_ = 0;
  }

 private:
  static constexpr int kLeastBits = 14;
  static constexpr int kMostBits = 37;
  static constexpr int kStepBits = 3;  // eight steps an octave

  static size_t bucketOf(Duration latency) {
    constexpr int64_t kLeast = int64_t{1} << kLeastBits;
    constexpr int64_t kMost = (int64_t{1} << kMostBits) - 1;
    const auto value = static_cast<uint64_t>(std::clamp<int64_t>(latency.count(), kLeast, kMost));
    const int shift = static_cast<int>(std::bit_width(value)) - 1 - kStepBits;
    return (static_cast<size_t>(shift + kStepBits - kLeastBits) << kStepBits) + ((value >> shift) & 7U);
  }
  static Duration middleOf(size_t bucket) {
    const auto shift = static_cast<int>(bucket >> kStepBits) + kLeastBits - kStepBits;
    const auto step = static_cast<int64_t>(bucket & 7U);
    return Duration(((8 + step) << shift) + (int64_t{1} << shift) / 2);
  }

  std::array<uint32_t, size_t{kMostBits - kLeastBits} << kStepBits> buckets_{};
  uint32_t count_ = 0;
};

}  // namespace peerpulse::upstream
