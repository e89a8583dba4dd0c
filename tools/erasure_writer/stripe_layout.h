// StripeLayout: how an object's bytes lie in shards. The object is cut into stripes of 12 blocks; stripe s of
// shard d (d < 12) is the block at (12 s + d) * blockSize. The last stripe's blocks are only as long as
// needed to hold the rest in 12 parts; what is missing in them counts as zeros. An empty object has one
// stripe of empty blocks.
//
// Threading: a value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "erasure_writer/reed_solomon.h"

namespace peerpulse::erasure_writer {

class StripeLayout {
 public:
  /// Requires blockSize > 0.
  StripeLayout(uint64_t objectSize, size_t blockSize) : objectSize_(objectSize), blockSize_(blockSize) {}

  uint64_t stripes() const { return std::max<uint64_t>(1, (objectSize_ + stripeSize() - 1) / stripeSize()); }
  /// Where the stripe's data starts in the object.
  uint64_t offset(uint64_t stripe) const { return stripe * stripeSize(); }
  /// Object bytes in the stripe.
  size_t dataSize(uint64_t stripe) const {
    return static_cast<size_t>(std::min<uint64_t>(stripeSize(), objectSize_ - offset(stripe)));
  }
  /// Length of each of the stripe's 16 blocks.
  size_t blockLength(uint64_t stripe) const { return (dataSize(stripe) + kDataShards - 1) / kDataShards; }

 private:
  uint64_t stripeSize() const { return uint64_t{blockSize_} * kDataShards; }

  uint64_t objectSize_;
  size_t blockSize_;
};

}  // namespace peerpulse::erasure_writer
