// QuorumTally: how a quorum stands. Pure.
#pragma once

#include <cstdint>

#include "peerpulse/base/assert.h"

namespace peerpulse::fanout {

class QuorumTally {
 public:
  enum class Standing : uint8_t {
    kOpen,
    kReached,  ///< enough have acknowledged: nothing changes that
    kLost,     ///< too many have failed: it cannot be reached any more
  };

  /// Requires 0 < required <= targets.
  QuorumTally(uint32_t targets, uint32_t required) : required_(required), open_(targets) {
    PP_ASSERT(required > 0 && required <= targets);
  }

  void onAcknowledged() {
    onEnded();
    ++acknowledged_;
  }
  void onFailed() { onEnded(); }

  uint32_t required() const { return required_; }
  uint32_t acknowledged() const { return acknowledged_; }
  /// Targets that have neither acknowledged nor failed.
  uint32_t open() const { return open_; }
  Standing standing() const {
    if (acknowledged_ >= required_) return Standing::kReached;
    return acknowledged_ + open_ >= required_ ? Standing::kOpen : Standing::kLost;
  }

 private:
  void onEnded() {
    PP_ASSERT(open_ > 0);
    --open_;
  }

  uint32_t required_;
  uint32_t open_;
  uint32_t acknowledged_ = 0;
};

}  // namespace peerpulse::fanout
