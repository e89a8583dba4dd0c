#include "peerpulse/proxy/memory_limit.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::proxy {
namespace {

TEST_CASE("MemoryLimit: the order in which memory is saved") {
  constexpr uint64_t kLimit = 1000;
  const auto word = [](uint64_t used) { return std::string(toString(pressureOf(used, kLimit))); };
  CHECK(word(0) == "none");
  CHECK(word(699) == "none");
  CHECK(word(700) == "narrow");
  CHECK(word(799) == "narrow");
  CHECK(word(800) == "refuse");
  CHECK(word(900) == "hold");
  CHECK(word(999) == "hold");
  CHECK(word(1000) == "end");
  CHECK(word(UINT64_MAX) == "end");
}

TEST_CASE("MemoryLimit: without one there is no pressure") {
  CHECK(pressureOf(UINT64_MAX, 0) == Pressure::kNone);
  CHECK(MemoryLimit(0).pressure() == Pressure::kNone);
}

TEST_CASE("MemoryLimit: asks what the process holds") {
  constexpr size_t kHeld = size_t{32} * 1024 * 1024;
  MemoryLimit limit(kHeld / 2);
  const MemoryCharge charge(kHeld);
  CHECK(limit.pressure() == Pressure::kEnd);
  limit.set(kHeld * 100);
  CHECK(limit.pressure() == Pressure::kNone);
}

}  // namespace
}  // namespace peerpulse::proxy
