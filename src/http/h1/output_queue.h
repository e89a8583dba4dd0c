// OutputQueue: wire bytes of one connection with the knowledge of which are body, so that onBodySent() tells
// what really left.
//
// Threading: one thread. Ownership: a value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string_view>
#include <utility>

#include "peerpulse/base/buffer.h"

namespace peerpulse::http::h1 {

class OutputQueue {
 public:
  void text(std::string_view bytes) {
    bytes_.append(bytes);
    note(bytes.size(), false);
  }
  void body(Slice data) {
    note(data.size(), true);
    bytes_.append(std::move(data));
  }
  bool empty() const { return bytes_.empty(); }
  void clear() {
    bytes_.clear();
    runs_.clear();
  }
  /// Moves bytes to `out` until that holds about `limit`; returns how many of them were body.
  size_t produce(Buffer& out, size_t limit) {
    if (out.size() >= limit) return 0;
    size_t n = std::min(limit - out.size(), bytes_.size());
    bytes_.moveTo(out, n);
    size_t sent = 0;
    while (n > 0) {
      Run& run = runs_.front();
      const size_t part = std::min(n, run.size);
      if (run.body) sent += part;
      run.size -= part;
      n -= part;
      if (run.size == 0) runs_.pop_front();
    }
    return sent;
  }

 private:
  struct Run {
    size_t size;
    bool body;
  };
  void note(size_t n, bool body) {
    if (n == 0) return;
    if (!runs_.empty() && runs_.back().body == body) {
      runs_.back().size += n;
    } else {
      runs_.push_back({n, body});
    }
  }
  Buffer bytes_;
  std::deque<Run> runs_;
};

}  // namespace peerpulse::http::h1
