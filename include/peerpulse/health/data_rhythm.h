// DataRhythm: whether the peer's data arrives so densely that its absence is noticed sooner than that of a PING
// every T. Then S is shorter: most of S is there to survive one lost PING, and dense data has no such gaps.
//
// Each look at the workers' stamp that finds it younger than T/4 counts up, an older one down; a PING that had to
// be sent and was answered says that the data has ended.
//
// Threading: none. No clock.
#pragma once

#include <algorithm>
#include <cstdint>

#include "peerpulse/base/time.h"

namespace peerpulse::health {

class DataRhythm {
 public:
  explicit DataRhythm(Duration interval) : fresh_(interval / 4) {}

  /// The stamp has moved since the last look, and is of that age.
  void heard(Duration age) { count_ = age < fresh_ ? std::min(count_ + 1, kMost) : std::max(count_ - 1, 0); }
  void pingAnswered() { count_ = std::max(count_ - 2, 0); }
  bool dense() const { return count_ >= kDense; }

 private:
  static constexpr int kDense = 4;
  static constexpr int kMost = 8;

  Duration fresh_;
  int count_ = 0;
};

}  // namespace peerpulse::health
