// BodyPace: how much of a caller's body may be taken, when many peers take the one copy of it each at its own pace.
//
// A peer may be `limit` bytes behind what was taken. The pace is set by the slowest of those that the answer needs: if it
// needs N, by the N-th fastest of those that are left; whoever is further behind than the limit is let go of (laggard()).
// So what is kept is at most `limit` and what the codec's window lets in beyond the credit.
//
// Threading: a value; pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace peerpulse::fanout {

class BodyPace {
 public:
  /// `needed` of `targets` must get all of it.
  BodyPace(size_t targets, size_t needed, uint64_t limit);

  void onTaken(uint64_t bytes) { taken_ += bytes; }
  void onSent(size_t target, uint64_t bytes) { sent_[target] += bytes; }
  /// It takes no more: it has failed, or answered early.
  void onLeft(size_t target) { sent_[target] = kLeft; }

  /// Credit that the caller may be given now, and has not been.
  uint64_t takeCredit();
  /// Somebody who is too far behind, if there is one; call onLeft() with it.
  std::optional<size_t> laggard() const;

 private:
  static constexpr uint64_t kLeft = UINT64_MAX;

  uint64_t pace() const;

  const size_t needed_;
  const uint64_t limit_;
  uint64_t taken_ = 0;
  uint64_t credited_ = 0;
  std::vector<uint64_t> sent_;  // by target
  mutable std::vector<uint64_t> fastest_;
};

}  // namespace peerpulse::fanout
