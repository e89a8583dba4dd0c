// ConfirmBurst: the K fresh connections of one confirm round. They are opened in two halves, so that one burst
// of loss (a full queue, a link that renegotiates) does not take all of them; on a path so long that the second
// half could not be answered within C, all at once.
//
// Threading: none. No clock.
#pragma once

#include <cstdint>

#include "peerpulse/base/time.h"

namespace peerpulse::health {

class ConfirmBurst {
 public:
  /// The second half follows `stagger` after the first; zero: all at once.
  void begin(uint32_t connects, Duration stagger, TimePoint now) {
    left_ = connects;
    rest_ = stagger > Duration::zero() ? connects / 2 : 0;
    restAt_ = now + stagger;
  }
  void end() { left_ = 0; }
  /// How many to open now.
  uint32_t take(TimePoint now) {
    const uint32_t due = now >= restAt_ ? left_ : left_ - (left_ > rest_ ? rest_ : left_);
    left_ -= due;
    return due;
  }
  TimePoint nextDeadline() const { return left_ > 0 ? restAt_ : TimePoint::max(); }

  /// A third of C, as long as what is left of C is enough for an answer over this path.
  static Duration staggerFor(Duration confirm, Duration answer) {
    const Duration third = confirm / 3;
    return confirm - third >= answer ? third : Duration::zero();
  }

 private:
  uint32_t left_ = 0;
  uint32_t rest_ = 0;
  TimePoint restAt_;
};

}  // namespace peerpulse::health
