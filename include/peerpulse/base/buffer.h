// Buffer: a first-in first-out queue of slices. Appending a Slice shares its memory, unless it is so small that a copy
// right behind the text before it costs less; appending text copies it into a small block of the buffer's own (headers,
// frame heads).
//
// Threading: as Slice: one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <sys/uio.h>
#include <vector>

#include "peerpulse/base/slice.h"

namespace peerpulse {

class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&&) = default;
  Buffer& operator=(Buffer&&) = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t sliceCount() const { return slices_.size() - head_; }

  void append(Slice slice);
  void append(std::string_view bytes);
  /// Takes the first slice out, at most `limit` bytes of it. Requires !empty().
  Slice takeFront(size_t limit = SIZE_MAX);
  /// Moves the first `n` bytes (or all there are) to the end of `to`, sharing their memory.
  void moveTo(Buffer& to, size_t n = SIZE_MAX);
  /// Drops the first `n` bytes. Requires n <= size().
  void drain(size_t n);
  void clear();

  /// Describes the first bytes for writev(): at most `capacity` entries. Returns the entries used.
  int fillIovecs(iovec* entries, int capacity) const;
  /// Calls `visit(const Slice&)` for each, in order.
  template <typename Visit>
  void forEach(Visit visit) const {
    for (size_t i = head_; i < slices_.size(); ++i)
      visit(slices_[i]);
  }
  /// A copy of everything; for tests and small bodies.
  std::string toString() const;

 private:
  // Most connections write a head at a time: the first block is for that, and not a page of fresh memory each.
  static constexpr size_t kFirstBlockSize = 1000;
  static constexpr size_t kTailBlockSize = 4096;

  std::vector<Slice> slices_;  // [head_, end) are queued
  size_t head_ = 0;
  size_t size_ = 0;
  BlockRef tail_;  // own block that append(string_view) fills; only its unused end is ever written
  size_t tailUsed_ = 0;

  static constexpr size_t kCopyBelow = 512;

  void popFront();
  bool endsInTail() const;
  bool extendLast(const uint8_t* at, size_t n);
};

}  // namespace peerpulse
