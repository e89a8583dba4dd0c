// GlitchMeter: tells a flood of one kind of frame from honest traffic without a clock. Each such frame adds to the level,
// useful work takes from it; what honest traffic earns in advance is saved, for its WINDOW_UPDATEs come after the data.
//
// Threading: a value; one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace peerpulse::http::h2 {

class GlitchMeter {
 public:
  /// Ends at more than `limit` frames that nothing useful stands against. `savings`: the most that useful work counts for
  /// in advance.
  explicit GlitchMeter(size_t limit, size_t savings = 0)
      : limit_(static_cast<int64_t>(limit)), least_(-static_cast<int64_t>(savings)) {}

  /// False once the level is over the limit: end the connection.
  bool glitch() { return ++level_ <= limit_; }
  void useful(size_t n) { level_ = std::max(least_, level_ - static_cast<int64_t>(n)); }
  int64_t level() const { return level_; }

 private:
  int64_t limit_;
  int64_t least_;
  int64_t level_ = 0;
};

}  // namespace peerpulse::http::h2
