#include "erasure_writer/reed_solomon.h"

#include <algorithm>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "erasure_writer/stripe_block.h"

using namespace peerpulse::erasure_writer;

namespace {

std::vector<uint8_t> encoded(const ReedSolomon& code, StripeBlock& block, unsigned seed) {
  std::mt19937 random(seed);
  for (size_t i = 0; i < block.length() * kDataShards; ++i)
    block.data()[i] = static_cast<uint8_t>(random());
  code.encode(block.pointers(), block.length());
  return {block.data(), block.data() + block.length() * kShards};
}

/// Wipes the lost shards, decodes, and compares the data shards.
bool survives(const ReedSolomon& code, StripeBlock& block, const std::vector<uint8_t>& good, const ShardSet& lost) {
  std::copy(good.begin(), good.end(), block.data());
  for (int shard = 0; shard < kShards; ++shard) {
    if (lost[static_cast<size_t>(shard)]) std::fill_n(block.shard(shard), block.length(), uint8_t{0xEE});
  }
  if (!code.reconstructData(block.pointers(), block.length(), ~lost)) return false;
  return std::equal(block.data(), block.data() + block.length() * kDataShards, good.begin());
}

}  // namespace

TEST_CASE("ReedSolomon: every loss of up to four shards is made good") {
  const ReedSolomon code;
  StripeBlock block(61);
  const auto good = encoded(code, block, 1);
  int sets = 0;
  for (unsigned bits = 0; bits < (1U << kShards); ++bits) {
    const ShardSet lost(bits);
    if (lost.count() > kParityShards) continue;
    ++sets;
    CAPTURE(bits);
    REQUIRE(survives(code, block, good, lost));
  }
  CHECK(sets == 1 + 16 + 120 + 560 + 1820);
}

TEST_CASE("ReedSolomon: five lost shards are too many") {
  const ReedSolomon code;
  StripeBlock block(16);
  encoded(code, block, 2);
  CHECK_FALSE(code.reconstructData(block.pointers(), block.length(), ~ShardSet(0b11111)));
  CHECK_FALSE(code.reconstructData(block.pointers(), block.length(), ShardSet()));
}

TEST_CASE("ReedSolomon: any length, also none") {
  const ReedSolomon code;
  for (const size_t length : {0U, 1U, 15U, 31U, 32U, 33U, 64U, 4097U, 65536U}) {
    StripeBlock block(length);
    const auto good = encoded(code, block, 3);
    CAPTURE(length);
    CHECK(survives(code, block, good, ShardSet(0b1000'0100'0010'0001)));
  }
}
