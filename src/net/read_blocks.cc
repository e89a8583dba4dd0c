#include "peerpulse/net/read_blocks.h"

#include <algorithm>

#include "peerpulse/base/assert.h"

namespace peerpulse::net {

int ReadBlocks::reserve(size_t wanted, iovec* entries, size_t most) {
  wanted = std::min(wanted, most);
  if (blocks_[0] && blocks_[0]->unique() && used_ > 0) used_ = 0;  // nobody looks at it any more: fill it again
  if (blocks_[0] && kBlockSize - used_ < kMinRoom) {
    std::move(blocks_ + 1, blocks_ + kMaxBlocks, blocks_);
    blocks_[kMaxBlocks - 1] = BlockRef();
    used_ = 0;
  }
  size_t room = 0;
  int count = 0;
  while (count < kMaxBlocks && room < wanted) {
    if (!blocks_[count]) blocks_[count] = BlockRef::adopt(Block::create(kBlockSize));
    const size_t offset = count == 0 ? used_ : 0;
    const size_t size = std::min(kBlockSize - offset, most - room);
    entries[count] = {blocks_[count]->data() + offset, size};
    room += size;
    ++count;
  }
  return count;
}

size_t ReadBlocks::commit(size_t n, Received& out) {
  size_t count = 0;
  while (n > 0) {
    const size_t part = std::min(n, kBlockSize - used_);
    PP_ASSERT(part > 0 && blocks_[0] && count < out.size());
    out[count++] = Slice(blocks_[0], blocks_[0]->data() + used_, part);
    n -= part;
    used_ += part;
    if (used_ == kBlockSize) {
      std::move(blocks_ + 1, blocks_ + kMaxBlocks, blocks_);
      blocks_[kMaxBlocks - 1] = BlockRef();
      used_ = 0;
    }
  }
  return count;
}

}  // namespace peerpulse::net
