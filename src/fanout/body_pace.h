// BodyPace: how much of a caller's body may be taken, when many peers take the one copy of it each at its own pace.
//
// A peer may be `limit` bytes behind what was taken: so much is kept, and what the codec's window lets in beyond the credit.
// Beyond that the slowest sets the pace, but not for ever: once as many others as the answer needs have waited for it for
// kPatience (what they waited, less what they did not), it is let go of. Being behind for a moment is no crime: which peer's
// kernel takes most at first says nothing about its process.
//
// Threading: a value; pure. Times of one clock, never backwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "peerpulse/base/time.h"

namespace peerpulse::fanout {

class BodyPace {
 public:
  static constexpr Duration kPatience = milliseconds(500);

  /// `needed` of `targets` must get all of it.
  BodyPace(size_t targets, size_t needed, uint64_t limit, TimePoint now);

  void onTaken(uint64_t bytes, TimePoint now);
  void onSent(size_t target, uint64_t bytes, TimePoint now);
  /// It takes no more: it has failed, or is let go of, or has answered.
  void onLeft(size_t target, TimePoint now);

  /// Credit that the caller may be given now, and has not been.
  uint64_t takeCredit(TimePoint now);
  /// Who has kept the others waiting for too long; call onLeft() with it.
  std::optional<size_t> laggard(TimePoint now);
  /// How long until there may be one, if nothing moves meanwhile; nothing: nobody waits.
  std::optional<Duration> patienceLeft() const;

 private:
  static constexpr uint64_t kLeft = UINT64_MAX;

  std::optional<size_t> slowest() const;
  uint64_t allowed() const;
  bool othersWait() const;
  void settle(TimePoint now);

  const size_t needed_;
  const uint64_t limit_;
  uint64_t taken_ = 0;
  uint64_t credited_ = 0;
  std::vector<uint64_t> sent_;  // by target
  bool waiting_ = false;        // since at_
  TimePoint at_;
  Duration waited_ = Duration::zero();  // until at_
};

}  // namespace peerpulse::fanout
