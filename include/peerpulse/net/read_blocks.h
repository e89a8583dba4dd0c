// ReadBlocks: where a thread's connections read to. All connections of a worker fill the same blocks one after
// the other, so an idle connection holds no buffer, and small messages share a block.
//
// Threading: one per event loop thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <sys/uio.h>

#include "peerpulse/base/slice.h"

namespace peerpulse::net {

class ReadBlocks {
 public:
  static constexpr size_t kBlockSize = 64 * 1024;
  static constexpr int kMaxBlocks = 4;  // one read takes at most this many blocks: 256 KiB

  /// Room for one readv(): at least `wanted` bytes (up to kMaxBlocks blocks), no more than `most`. Returns the entries
  /// used.
  int reserve(size_t wanted, iovec* entries, size_t most = SIZE_MAX);
  /// What a read turned out to be: a slice a block.
  using Received = std::array<Slice, kMaxBlocks>;
  /// Turns the first `n` bytes of the last reserve() into slices; how many. `out` is not allocated: this is done for
  /// every read.
  size_t commit(size_t n, Received& out);

 private:
  // A block whose rest is smaller than this is not worth reading into.
  static constexpr size_t kMinRoom = 4 * 1024;

  BlockRef blocks_[kMaxBlocks];
  size_t used_ = 0;  // bytes taken of blocks_[0]
};

}  // namespace peerpulse::net
