// Input: what arrived on a connection and was not taken yet, and whether more may come.
//
// Threading: one thread. Ownership: a value.
#pragma once

#include <cstddef>
#include <utility>

#include "peerpulse/base/buffer.h"
#include "peerpulse/base/slice.h"

namespace peerpulse::http::h1 {

class Input {
 public:
  void append(Slice in) {
    if (empty()) {
      front_ = std::move(in);
    } else {
      rest_.append(std::move(in));
    }
  }
  bool empty() const { return front_.empty() && rest_.empty(); }
  size_t size() const { return front_.size() + rest_.size(); }
  /// What to read next; whoever takes bytes removes them from its front. Requires !empty().
  Slice& front() {
    if (front_.empty()) front_ = rest_.takeFront();
    return front_;
  }
  void clear() {
    front_ = Slice();
    rest_.clear();
  }
  /// The remote side sent FIN: what is here is all.
  void end() { ended_ = true; }
  bool ended() const { return ended_; }

 private:
  Slice front_;
  Buffer rest_;
  bool ended_ = false;
};

}  // namespace peerpulse::http::h1
