// MemoryReturn: gives memory back that a burst has left with the allocator. What is freed in the middle of a heap glibc keeps for
// ever, although nothing uses it; at times it is made to look (malloc_trim()). That holds each heap's lock while its pages go
// back, so it is done only where much is to be had, and when the burst is over.
//
// TrimRule is pure.
// Threading: MemoryReturn: the main thread. Ownership: `scheduler` outlives it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "peerpulse/base/time.h"
#include "peerpulse/event/scheduler.h"

namespace peerpulse::server {

class TrimRule {
 public:
  /// Resident memory without use, beyond what was left the last time.
  static constexpr uint64_t kWorth = uint64_t{8} * 1024 * 1024;

  /// Asked every now and then; `used`: what the traffic holds.
  bool due(uint64_t resident, uint64_t used) {
    const uint64_t unused = resident - std::min(resident, used);
    const bool grows = used > used_ + kWorth;
    used_ = used;
    if (!begun_) {
      begun_ = true;
      left_ = unused;
    }
    return !grows && unused >= left_ + kWorth;
  }
  void trimmed(uint64_t resident, uint64_t used) { left_ = resident - std::min(resident, used); }

 private:
  bool begun_ = false;
  uint64_t used_ = 0;  ///< as last asked
  uint64_t left_ = 0;  ///< what could not be given back
};

class MemoryReturn {
 public:
  static constexpr Duration kInterval = seconds(5);

  explicit MemoryReturn(event::Scheduler& scheduler);

 private:
  void look();

  TrimRule rule_;
  std::unique_ptr<event::Timer> timer_;
};

}  // namespace peerpulse::server
