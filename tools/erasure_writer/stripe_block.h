// StripeBlock: the memory of one stripe: 16 blocks side by side, so that the data shards lie as in the
// object.
//
// Threading: made on the loop's thread; a pool thread may fill it while nobody else touches it; slices of it
// are
//   made on the loop's thread.
#pragma once

#include "erasure_writer/reed_solomon.h"
#include "peerpulse/base/slice.h"

namespace peerpulse::erasure_writer {

class StripeBlock {
 public:
  explicit StripeBlock(size_t blockLength)
      : length_(blockLength), block_(BlockRef::adopt(Block::create(blockLength * kShards))) {}

  size_t length() const { return length_; }
  uint8_t* data() { return block_->data(); }
  uint8_t* shard(int index) { return block_->data() + static_cast<size_t>(index) * length_; }
  Slice shardSlice(int index) { return {block_, shard(index), length_}; }
  ShardPointers pointers() {
    ShardPointers all{};
    for (int i = 0; i < kShards; ++i)
      all[static_cast<size_t>(i)] = shard(i);
    return all;
  }

 private:
  size_t length_;
  BlockRef block_;
};

}  // namespace peerpulse::erasure_writer
