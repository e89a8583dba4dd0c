// ReedSolomon: the 12+4 systematic erasure code of the demo, by ISA-L: any 12 of the 16 shards give the data
// back. The matrix is the identity over a Cauchy matrix, so every square part of it can be inverted.
//
// Threading: immutable after construction; any thread.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>

#include "peerpulse/base/result.h"

namespace peerpulse::erasure_writer {

inline constexpr int kDataShards = 12;
inline constexpr int kParityShards = 4;
inline constexpr int kShards = kDataShards + kParityShards;

using ShardSet = std::bitset<kShards>;
/// One buffer per shard, all of the same length.
using ShardPointers = std::array<uint8_t*, kShards>;

class ReedSolomon {
 public:
  ReedSolomon();

  /// Computes the parity shards from the data shards.
  void encode(const ShardPointers& shards, size_t length) const;
  /// Computes the data shards that are not in `present` from those that are; missing parity is left alone.
  /// Error with fewer than kDataShards present.
  Result<void> reconstructData(const ShardPointers& shards, size_t length, const ShardSet& present) const;

 private:
  // ISA-L expands every coefficient into a table of 32 bytes.
  static constexpr size_t kTableSize = 32;

  std::array<uint8_t, kShards * kDataShards> matrix_{};
  std::array<uint8_t, kTableSize * kDataShards * kParityShards> encodeTables_{};
};

}  // namespace peerpulse::erasure_writer
