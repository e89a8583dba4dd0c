// ReplayBuffer: what was sent of a request's body, as long as it is small enough to be sent again. Slices are only
// references, but they pin read blocks: hence the limit.
//
// Threading: one thread. A value. Bound: the limit given.
#pragma once

#include <cstddef>

#include "peerpulse/base/buffer.h"

namespace peerpulse::upstream {

class ReplayBuffer {
 public:
  explicit ReplayBuffer(size_t limit) : limit_(limit) {}

  /// All that was sent so far is still here.
  bool whole() const { return whole_; }
  void keep(const Slice& sent) {
    if (!whole_) return;
    if (kept_.size() + sent.size() > limit_) {
      giveUp();
    } else {
      kept_.append(sent);
    }
  }
  /// The request will not be sent again.
  void giveUp() {
    whole_ = false;
    kept_.clear();
  }
  /// Puts what was sent before what still waits in `body`. Requires whole().
  void restoreTo(Buffer& body) {
    body.moveTo(kept_);
    std::swap(body, kept_);
  }

 private:
  size_t limit_;
  bool whole_ = true;
  Buffer kept_;
};

}  // namespace peerpulse::upstream
