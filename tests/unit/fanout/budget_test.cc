// Goal: operations and bytes never exceed what is configured, and all comes back.
#include "peerpulse/fanout/budget.h"

#include <atomic>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace peerpulse::fanout;

namespace {

Options options(uint32_t operations, uint64_t memory) {
  Options o;
  o.maxOperations = operations;
  o.memory = memory;
  return o;
}

}  // namespace

TEST_CASE("budget: what does not fit is refused whole, and what goes comes back") {
  Budget budget(options(2, 100));
  {
    Share a;
    Share b;
    Share c;
    REQUIRE(a.begin(budget));
    REQUIRE(b.begin(budget));
    CHECK_FALSE(c.begin(budget));
    CHECK(a.grow(60));
    CHECK_FALSE(b.grow(41));
    CHECK(budget.bytes() == 60);
    CHECK(b.grow(40));
    a.shrink(10);
    CHECK(b.grow(10));
    CHECK_FALSE(b.grow(UINT64_MAX));
    const Share moved(std::move(a));
    CHECK(moved.bytes() == 50);
    CHECK(budget.operations() == 2);
  }
  CHECK(budget.operations() == 0);
  CHECK(budget.bytes() == 0);
}

TEST_CASE("budget: what is there already is counted even beyond the limit, and as no operation") {
  Budget budget(options(1, 100));
  Share operation;
  REQUIRE(operation.begin(budget));
  {
    Share answer;
    answer.charge(budget, 150);
    CHECK(budget.bytes() == 150);
    CHECK_FALSE(operation.grow(1));
    CHECK(budget.operations() == 1);
  }
  CHECK(budget.operations() == 1);
  CHECK(operation.grow(100));
}

TEST_CASE("budget: many threads never have more than there is") {
  constexpr uint64_t kMemory = 1000;
  Budget budget(options(3, kMemory));
  std::vector<std::thread> threads;
  std::atomic<bool> exceeded{false};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 2000; ++round) {
        Share share;
        if (!share.begin(budget)) continue;
        (void)share.grow(400);
        if (budget.operations() > 3 || budget.bytes() > kMemory) exceeded = true;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  CHECK_FALSE(exceeded);
  CHECK(budget.operations() == 0);
  CHECK(budget.bytes() == 0);
}
