#include "peerpulse/base/memory_use.h"

#include <optional>
#include <thread>

#include <doctest/doctest.h>

#include "peerpulse/base/slice.h"

namespace peerpulse {
namespace {

constexpr size_t kMany = size_t{16} * 1024 * 1024;
constexpr uint64_t kExact = 2 * MemoryUse::kStep;

TEST_CASE("MemoryUse: blocks count themselves, as long as a slice of them is there") {
  const uint64_t before = MemoryUse::total();
  std::optional<Slice> part;
  {
    const BlockRef block = BlockRef::adopt(Block::create(kMany));
    CHECK(MemoryUse::total() >= before + kMany - kExact);
    part = Slice(block, block.get()->data(), 1);
  }
  CHECK(MemoryUse::total() >= before + kMany - kExact);
  part.reset();
  CHECK(MemoryUse::total() <= before + kExact);
}

TEST_CASE("MemoryUse: what one thread took another gives back") {
  const uint64_t before = MemoryUse::total();
  std::optional<MemoryCharge> charge;
  std::thread([&] { charge.emplace(kMany); }).join();
  CHECK(MemoryUse::total() >= before + kMany - kExact);
  charge.reset();
  CHECK(MemoryUse::total() <= before + kExact);
}

TEST_CASE("MemoryUse: small amounts are told of in steps") {
  const uint64_t before = MemoryUse::total();
  for (int64_t i = 0; i < 4 * MemoryUse::kStep; ++i)
    MemoryUse::add(1);
  CHECK(MemoryUse::total() >= before + 2 * MemoryUse::kStep);
  MemoryUse::sub(static_cast<size_t>(4 * MemoryUse::kStep));
  CHECK(MemoryUse::total() <= before + kExact);
}

}  // namespace
}  // namespace peerpulse
