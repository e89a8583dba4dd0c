// OutcomeInbox: the bounded way of outcomes from the workers to the prober: a ring of cells with sequence
// numbers (D. Vyukov's bounded queue), many producers, one consumer.
//
// Thread safety: record() from any thread, lock-free; take() from the prober's only. A cell's `sequence` says
//   whose turn it is: equal to the position, a producer may fill it; one more, the consumer may empty it. It
//   is stored with release after the record was written or read, and loaded with acquire before.
// A full ring drops the record and counts it: statistics suffer, no worker waits.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "peerpulse/health/outcome.h"

namespace peerpulse::probe {

class OutcomeInbox : public health::OutcomeSink {
 public:
  static constexpr size_t kCapacity = 16 * 1024;  // a power of two

  /// `wake` is called when a failed exchange was recorded, at most once until woken(); on the worker's
  /// thread. `onDrop` is called on the worker's thread for a record that found no room.
  OutcomeInbox(std::function<void()> wake, std::function<void(PeerId)> onDrop);

  void record(const health::OutcomeRecord& record) override;

  /// Consumer: the next record may wake again.
  void woken() { wakePending_.store(false, std::memory_order_release); }
  std::optional<health::OutcomeRecord> take();

 private:
  struct Cell {
    std::atomic<size_t> sequence{0};
    health::OutcomeRecord record;
  };

  bool push(const health::OutcomeRecord& record);

  std::function<void()> wake_;
  std::function<void(PeerId)> onDrop_;
  std::unique_ptr<Cell[]> cells_;
  alignas(64) std::atomic<size_t> head_{0};  // producers
  alignas(64) size_t tail_ = 0;              // consumer
  std::atomic<bool> wakePending_{false};
};

}  // namespace peerpulse::probe
