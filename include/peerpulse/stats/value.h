// Value: one counter or gauge.
//
// Threading: any thread. Relaxed: these are statistics, nothing is ordered by them.
#pragma once

#include <atomic>
#include <cstdint>

namespace peerpulse::stats {

class Value {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  void sub(uint64_t n = 1) { value_.fetch_sub(n, std::memory_order_relaxed); }
  void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace peerpulse::stats
