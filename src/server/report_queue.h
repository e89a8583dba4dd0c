// ReportQueue: the bounded way of reports from the prober's thread to the main thread: a ring, one producer, one
// consumer. It neither locks nor allocates after it was made; a full ring takes nothing more.
//
// Thread safety: push() from one thread, pop() from one other. `pushed_` is the producer's and `popped_` the
//   consumer's; each is stored with release after the cell was written or read, and loaded with acquire by the other
//   before it reads or writes that cell.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "peerpulse/base/assert.h"
#include "report.h"

namespace peerpulse::server {

class ReportQueue {
 public:
  /// `capacity`: a power of two. Its memory is touched now, not by the first reports.
  explicit ReportQueue(size_t capacity) : mask_(capacity - 1), cells_(std::make_unique<Report[]>(capacity)) {
    PP_ASSERT(capacity > 0 && (capacity & mask_) == 0);
  }

  /// False: full.
  bool push(const Report& report) {
    const size_t position = pushed_.load(std::memory_order_relaxed);
    if (position - popped_.load(std::memory_order_acquire) > mask_) return false;
    cells_[position & mask_] = report;
    pushed_.store(position + 1, std::memory_order_release);
    return true;
  }

  /// False: empty.
  bool pop(Report& report) {
    const size_t position = popped_.load(std::memory_order_relaxed);
    if (position == pushed_.load(std::memory_order_acquire)) return false;
    report = cells_[position & mask_];
    popped_.store(position + 1, std::memory_order_release);
    return true;
  }

 private:
  const size_t mask_;
  const std::unique_ptr<Report[]> cells_;
  alignas(64) std::atomic<size_t> pushed_{0};
  alignas(64) std::atomic<size_t> popped_{0};
};

}  // namespace peerpulse::server
