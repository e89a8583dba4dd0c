#include "reed_solomon.h"

#include <climits>
#include <isa-l/erasure_code.h>

#include "peerpulse/base/assert.h"

namespace peerpulse::erasure_writer {

ReedSolomon::ReedSolomon() {
  gf_gen_cauchy1_matrix(matrix_.data(), kShards, kDataShards);
  ec_init_tables(kDataShards, kParityShards, matrix_.data() + kDataShards * kDataShards, encodeTables_.data());
}

void ReedSolomon::encode(const ShardPointers& shards, size_t length) const {
  PP_ASSERT(length <= INT_MAX);
  if (length == 0) return;
  ShardPointers pointers = shards;
  ec_encode_data(static_cast<int>(length), kDataShards, kParityShards, const_cast<uint8_t*>(encodeTables_.data()),
                 pointers.data(), pointers.data() + kDataShards);
}

Result<void> ReedSolomon::reconstructData(const ShardPointers& shards, size_t length, const ShardSet& present) const {
  PP_ASSERT(length <= INT_MAX);
  if (present.count() < kDataShards) return Error{"fewer than 12 shards are left"};
  // The rows of the shards we have, and those shards.
  std::array<uint8_t, kDataShards * kDataShards> rows{};
  std::array<uint8_t*, kDataShards> sources{};
  size_t used = 0;
  for (size_t shard = 0; shard < kShards && used < kDataShards; ++shard) {
    if (!present[shard]) continue;
    for (size_t i = 0; i < kDataShards; ++i)
      rows[used * kDataShards + i] = matrix_[shard * kDataShards + i];
    sources[used++] = shards[shard];
  }
  std::array<uint8_t, kDataShards * kDataShards> inverse{};
  if (gf_invert_matrix(rows.data(), inverse.data(), kDataShards) != 0) {
    return Error{"the code's matrix cannot be inverted"};  // impossible for a Cauchy matrix
  }
  // Row d of the inverse gives data shard d from the sources.
  std::array<uint8_t, kDataShards * kParityShards> wanted{};
  std::array<uint8_t*, kParityShards> targets{};
  size_t missing = 0;
  for (size_t shard = 0; shard < kDataShards; ++shard) {
    if (present[shard]) continue;
    for (size_t i = 0; i < kDataShards; ++i)
      wanted[missing * kDataShards + i] = inverse[shard * kDataShards + i];
    targets[missing++] = shards[shard];
  }
  if (missing == 0 || length == 0) return {};
  std::array<uint8_t, kTableSize * kDataShards * kParityShards> tables{};
  ec_init_tables(kDataShards, static_cast<int>(missing), wanted.data(), tables.data());
  ec_encode_data(static_cast<int>(length), kDataShards, static_cast<int>(missing), tables.data(), sources.data(),
                 targets.data());
  return {};
}

}  // namespace peerpulse::erasure_writer
