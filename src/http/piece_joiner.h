// PieceJoiner: what a sender gave in one piece (a DATA frame, a chunk) and reads cut in parts goes on in parts that are no
// small frames (small_frame.h): of the part before, as much waits as the small one after it lacks. What came whole goes on
// at once, however small.
//
//   frame of 16,384   | read 1: 16,370                | read 2: 14 |
//   goes on as        | 16,128          (242 wait) |  256          |
//
// Threading: a value; one thread. Memory: below 2 * kSmallFrame bytes wait.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "peerpulse/base/slice.h"

namespace peerpulse::http {

class PieceJoiner {
 public:
  /// At most two; the first may be empty.
  using Pieces = std::array<Slice, 2>;

  /// The next bytes, after which the sender's piece has `left` more; what may go on now.
  Pieces take(Slice part, uint64_t left);
  /// The piece is over: what waits.
  Slice finish();
  /// Of a piece that nobody wants any more.
  void clear() { held_.clear(); }
  bool empty() const { return held_.empty(); }

 private:
  std::string held_;
};

}  // namespace peerpulse::http
