#include "peerpulse/base/memory_use.h"

#include <algorithm>
#include <atomic>

namespace peerpulse {

namespace {

std::atomic<int64_t> told{0};
thread_local int64_t untold = 0;

}  // namespace

void MemoryUse::change(int64_t bytes) {
  untold += bytes;
  if (untold < kStep && untold > -kStep) return;
  told.fetch_add(untold, std::memory_order_relaxed);
  untold = 0;
}

// What one thread has taken another may give back before the first has told of it.
uint64_t MemoryUse::total() {
  return static_cast<uint64_t>(std::max<int64_t>(told.load(std::memory_order_relaxed), 0));
}

}  // namespace peerpulse
