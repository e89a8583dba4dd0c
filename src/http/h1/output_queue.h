// OutputQueue: wire bytes of one connection with the knowledge of which are body, so that onBodySent() tells
// what really left.
//
// Threading: one thread. Ownership: a value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

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
    firstRun_ = 0;
  }
  /// Moves bytes to `out` until that holds about `limit`; returns how many of them were body.
  size_t produce(Buffer& out, size_t limit) {
    if (out.size() >= limit) return 0;
    const size_t n = std::min(limit - out.size(), bytes_.size());
    bytes_.moveTo(out, n);
    return takeRuns(n);
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
  size_t takeRuns(size_t n) {
    size_t ofBody = 0;
    while (n > 0) {
      Run& run = runs_[firstRun_];
      const size_t part = std::min(n, run.size);
      if (run.body) ofBody += part;
      run.size -= part;
      n -= part;
      if (run.size == 0) ++firstRun_;
    }
    dropTaken();
    return ofBody;
  }
  void dropTaken() {
    constexpr size_t kWorthMoving = 64;
    if (firstRun_ == runs_.size()) {
      runs_.clear();
      firstRun_ = 0;
    } else if (firstRun_ >= kWorthMoving && firstRun_ * 2 >= runs_.size()) {
      runs_.erase(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(firstRun_));
      firstRun_ = 0;
    }
  }

  Buffer bytes_;
  std::vector<Run> runs_;  ///< [firstRun_, end) describe bytes_
  size_t firstRun_ = 0;
};

}  // namespace peerpulse::http::h1
