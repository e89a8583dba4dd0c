// MemoryUse: how much memory the process's traffic holds: blocks of bytes (base/slice.h), which count themselves, and what is
// charged for the rest (heads, streams). Not the resident memory: that also has what the allocator keeps, code, and state that
// does not grow with traffic.
//
// Threading: any thread. Each thread sums up what it takes and gives back, and tells all only of every kStep: total() is right to
//   about that much for each thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace peerpulse {

class MemoryUse {
 public:
  static constexpr int64_t kStep = int64_t{64} * 1024;

  static void add(size_t bytes) { change(static_cast<int64_t>(bytes)); }
  static void sub(size_t bytes) { change(-static_cast<int64_t>(bytes)); }
  static uint64_t total();

 private:
  static void change(int64_t bytes);
};

/// Bytes that are charged while it lives.
class MemoryCharge {
 public:
  explicit MemoryCharge(size_t bytes) : bytes_(bytes) { MemoryUse::add(bytes_); }
  MemoryCharge(const MemoryCharge&) = delete;
  MemoryCharge& operator=(const MemoryCharge&) = delete;
  ~MemoryCharge() { MemoryUse::sub(bytes_); }

 private:
  const size_t bytes_;
};

}  // namespace peerpulse
