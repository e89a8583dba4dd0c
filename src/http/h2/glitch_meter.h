// GlitchMeter: tells a flood of useless frames from honest traffic without a clock. Useless frames (faults
// A2, A5, A7: PRIORITY, empty DATA, needless WINDOW_UPDATE, unknown types, stream errors that make us send
// RST_STREAM) add to the level, useful work takes from it. Honest peers stay near zero for ever.
//
// Threading: a value; one thread.
#pragma once

#include <algorithm>
#include <cstddef>

namespace peerpulse::http::h2 {

class GlitchMeter {
 public:
  explicit GlitchMeter(size_t limit) : limit_(limit) {}

  /// False once the level is over the limit: end the connection.
  bool glitch() { return ++level_ <= limit_; }
  void useful(size_t n) { level_ -= std::min(level_, n); }
  size_t level() const { return level_; }

 private:
  size_t limit_;
  size_t level_ = 0;
};

}  // namespace peerpulse::http::h2
