// BlockPool: buffers of one size that are given back and taken again, the last one first: it is in the processor's
// cache still.
//
// Threading: one thread. Ownership: must outlive the blocks.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace peerpulse::bench {

class BlockPool {
 public:
  static constexpr size_t kBlockSize = 256 * 1024;
  using Block = std::unique_ptr<std::array<char, kBlockSize>>;

  Block take() {
    if (free_.empty()) return std::make_unique_for_overwrite<Block::element_type>();
    Block block = std::move(free_.back());
    free_.pop_back();
    return block;
  }
  void giveBack(Block block) {
    if (free_.size() < kKeptBlocks) free_.push_back(std::move(block));
  }

 private:
  static constexpr size_t kKeptBlocks = 64;
  std::vector<Block> free_;
};

}  // namespace peerpulse::bench
