// RecentIds: the last ids of streams to which something happened, so that a frame that comes for one of them later can be told
// from a fault. nghttp2 forgets a stream at its end.
//
// Threading: a value; one thread. Memory: four bytes an id, as many as there were, at most `most`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace peerpulse::http::h2 {

class RecentIds {
 public:
  explicit RecentIds(size_t most) : most_(most) {}

  void add(int32_t id) {
    if (ids_.size() < most_) {
      ids_.push_back(id);
    } else {
      ids_[next_] = id;
      next_ = (next_ + 1) % most_;
    }
  }
  /// Looks at all of them: for what is rare.
  bool has(int32_t id) const { return std::find(ids_.begin(), ids_.end(), id) != ids_.end(); }

 private:
  size_t most_;
  size_t next_ = 0;  ///< the oldest, once there are so many
  std::vector<int32_t> ids_;
};

}  // namespace peerpulse::http::h2
