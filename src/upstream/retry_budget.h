// RetryBudget: retries may be at most a share of the requests: a failing peer must not see its load multiplied.
//
// Threading: one per peer and worker. A value.
#pragma once

#include <algorithm>
#include <cstdint>

namespace peerpulse::upstream {

class RetryBudget {
 public:
  /// One more request of a configuration in which `percent` of them may be retries.
  void onRequest(uint32_t percent) { tokens_ = std::min(tokens_ + percent, kMax); }
  /// False when the budget is used up.
  bool take() {
    if (tokens_ < kCost) return false;
    tokens_ -= kCost;
    return true;
  }

 private:
  static constexpr uint32_t kCost = 100;       // one retry
  static constexpr uint32_t kMax = 100 * 100;  // at most 100 retries saved up
  uint32_t tokens_ = 10 * kCost;               // a quiet proxy may retry too
};

}  // namespace peerpulse::upstream
