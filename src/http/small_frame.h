// Small DATA frames: hyper's h2 (0.4.16 and later) counts each DATA frame below 256 bytes that its application has not read
// yet, and ends the connection with too_many_data_frames when a budget is used up. A client's own small messages are its
// own affair and go on at once; but no small frame may be made out of a bigger one, neither where a read ends in the middle
// of it (piece_joiner.h) nor where a window or the frame limit cuts it (cutBody()).
#pragma once

#include <algorithm>
#include <cstddef>

namespace peerpulse::http {

inline constexpr size_t kSmallFrame = 256;

/// How much of `pending` body bytes goes into the next frame, of at most `room`: neither it nor what is left then is small,
/// where that can be had.
constexpr size_t cutBody(size_t pending, size_t room) {
  if (pending <= room) return pending;
  const size_t rest = pending - room;
  if (rest >= kSmallFrame || pending < 2 * kSmallFrame) return room;
  return pending - kSmallFrame;
}

}  // namespace peerpulse::http
