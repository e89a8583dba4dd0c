// HeadRoom: how much of decoded field sections one connection's streams may hold beyond what was sent for them. HPACK names a
// field of kilobytes by one byte, again and again (faults A4): each section may be within its limit, and their sum a thousand
// times what came. Honest heads repeat themselves, too, so a section has something for nothing, and several times its own
// bytes; only what is beyond that (the excess) is summed up, and a section that would make the sum too large is not kept.
//
// Pure. Threading: a value; one thread.
#pragma once

#include <algorithm>
#include <cstddef>

namespace peerpulse::http::h2 {

class HeadRoom {
 public:
  /// Decoded size (name + value + 32 for each field) that every stream may have for nothing.
  static constexpr size_t kFree = 1024;
  /// Decoded bytes for each byte received.
  static constexpr size_t kRatio = 8;
  /// Of the streams of one connection together.
  static constexpr size_t kMostExcess = size_t{512} * 1024;

  static size_t excessOf(size_t decoded, size_t received) {
    return decoded - std::min(decoded, kFree + kRatio * received);
  }
  /// Whether a stream may hold so much excess more.
  bool fits(size_t excess) const { return excess <= kMostExcess - std::min(kMostExcess, used_); }
  void hold(size_t excess) { used_ += excess; }
  void giveBack(size_t excess) { used_ -= excess; }
  size_t used() const { return used_; }

 private:
  size_t used_ = 0;
};

}  // namespace peerpulse::http::h2
