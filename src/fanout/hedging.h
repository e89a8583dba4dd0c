// Hedging: which leg of a read is late, and when the next one will be. Each is late once. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "peerpulse/base/time.h"

namespace peerpulse::fanout {

class Hedging {
 public:
  explicit Hedging(size_t legs) : lateAt_(legs, kNever) {}

  void onBegun(size_t leg, TimePoint lateAt) { lateAt_[leg] = lateAt; }
  void onEnded(size_t leg) { lateAt_[leg] = kNever; }

  std::optional<size_t> takeLate(TimePoint now) {
    const auto first = std::min_element(lateAt_.begin(), lateAt_.end());
    if (first == lateAt_.end() || *first > now || *first == kNever) return std::nullopt;
    *first = kNever;
    return static_cast<size_t>(first - lateAt_.begin());
  }
  /// TimePoint::max(): nobody will be.
  TimePoint next() const {
    const auto first = std::min_element(lateAt_.begin(), lateAt_.end());
    return first == lateAt_.end() ? kNever : *first;
  }

 private:
  static constexpr TimePoint kNever = TimePoint::max();
  std::vector<TimePoint> lateAt_;
};

}  // namespace peerpulse::fanout
