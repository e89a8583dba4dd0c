// ByteFifo: a first-in first-out queue of bytes in one ring that grows to the most it ever held. The bytes of one
// direction of a simulated connection.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "peerpulse/base/assert.h"

namespace peerpulse::test {

class ByteFifo {
 public:
  size_t size() const { return size_; }

  void append(const void* bytes, size_t n) {
    if (n == 0) return;
    if (size_ + n > ring_.size()) grow(size_ + n);
    const size_t tail = (head_ + size_) & (ring_.size() - 1);
    const size_t first = std::min(n, ring_.size() - tail);
    std::memcpy(ring_.data() + tail, bytes, first);
    std::memcpy(ring_.data(), static_cast<const uint8_t*>(bytes) + first, n - first);
    size_ += n;
  }
  /// Moves the first `n` bytes to `to`. Requires n <= size().
  void take(void* to, size_t n) {
    PP_ASSERT(n <= size_);
    if (n == 0) return;
    copyFront(to, n);
    head_ = (head_ + n) & (ring_.size() - 1);
    size_ -= n;
  }
  /// Drops the last `n` bytes. Requires n <= size().
  void dropBack(size_t n) {
    PP_ASSERT(n <= size_);
    size_ -= n;
  }
  /// Keeps a small ring for the next use.
  void clear() {
    head_ = size_ = 0;
    if (ring_.size() > kKept) std::vector<uint8_t>().swap(ring_);
  }

 private:
  static constexpr size_t kSmallest = 512;
  static constexpr size_t kKept = 64 * 1024;

  void copyFront(void* to, size_t n) const {
    const size_t first = std::min(n, ring_.size() - head_);
    std::memcpy(to, ring_.data() + head_, first);
    std::memcpy(static_cast<uint8_t*>(to) + first, ring_.data(), n - first);
  }
  void grow(size_t wanted) {
    std::vector<uint8_t> bigger(std::max(kSmallest, std::bit_ceil(wanted)));
    if (size_ != 0) copyFront(bigger.data(), size_);
    ring_.swap(bigger);
    head_ = 0;
  }

  std::vector<uint8_t> ring_;  // a power of two, or empty
  size_t head_ = 0;
  size_t size_ = 0;
};

}  // namespace peerpulse::test
