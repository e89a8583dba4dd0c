// MemoryLimit: `limits.memory`, and what is done when the traffic's memory (base/memory_use.h) comes near it, in this order:
//
//   from 70 %  kNarrow  answers begin with their peer's first window, and get no more room than they have
//   from 80 %  kRefuse  new exchanges are refused (503; h2: REFUSED_STREAM where no answer is ours to give)
//   from 90 %  kHold    clients get no more credit for the bodies they send
//   from 100 % kEnd     exchanges whose client has taken nothing of its answer for kGrace are ended
// None of it is the peer's doing: no circuit, connection or score is touched.
//
// Pure but for the counter. Threading: any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "peerpulse/base/memory_use.h"
#include "peerpulse/base/time.h"

namespace peerpulse::proxy {

enum class Pressure : uint8_t { kNone, kNarrow, kRefuse, kHold, kEnd };
/// "none", "narrow", "refuse", "hold", "end".
const char* toString(Pressure pressure);
/// Of `used` bytes of `limit`; 0: there is none.
Pressure pressureOf(uint64_t used, uint64_t limit);

class MemoryLimit {
 public:
  /// How long a client may take nothing when there is no memory left.
  static constexpr Duration kGrace = seconds(2);

  explicit MemoryLimit(uint64_t bytes) : bytes_(bytes) {}
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  /// After a reload.
  void set(uint64_t bytes) { bytes_.store(bytes, std::memory_order_relaxed); }
  Pressure pressure() const { return pressureOf(MemoryUse::total(), bytes()); }

 private:
  std::atomic<uint64_t> bytes_;
};

}  // namespace peerpulse::proxy
