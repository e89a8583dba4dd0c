#include "outcome_inbox.h"

#include <utility>

namespace peerpulse::probe {

OutcomeInbox::OutcomeInbox(std::function<void()> wake, std::function<void(PeerId)> onDrop)
    : wake_(std::move(wake)), onDrop_(std::move(onDrop)), cells_(std::make_unique<Cell[]>(kCapacity)) {
  static_assert((kCapacity & (kCapacity - 1)) == 0);
  for (size_t i = 0; i < kCapacity; ++i)
    cells_[i].sequence.store(i, std::memory_order_relaxed);
}

bool OutcomeInbox::push(const health::OutcomeRecord& record) {
  size_t position = head_.load(std::memory_order_relaxed);
  for (;;) {
    Cell& cell = cells_[position % kCapacity];
    const size_t sequence = cell.sequence.load(std::memory_order_acquire);
    const auto turn = static_cast<std::ptrdiff_t>(sequence - position);
    if (turn < 0) return false;  // not emptied yet: full
    if (turn > 0) {              // another producer was faster
      position = head_.load(std::memory_order_relaxed);
      continue;
    }
    if (!head_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) continue;
    cell.record = record;
    cell.sequence.store(position + 1, std::memory_order_release);
    return true;
  }
}

void OutcomeInbox::record(const health::OutcomeRecord& record) {
  if (!push(record)) onDrop_(record.peer);
  // A success changes at most a trial's circuit: the prober finds it at its next heartbeat.
  if (record.outcome == health::Outcome::kSuccess) return;
  if (!wakePending_.exchange(true, std::memory_order_acq_rel)) wake_();
}

std::optional<health::OutcomeRecord> OutcomeInbox::take() {
  Cell& cell = cells_[tail_ % kCapacity];
  if (cell.sequence.load(std::memory_order_acquire) != tail_ + 1) return std::nullopt;
  const health::OutcomeRecord record = cell.record;
  cell.sequence.store(tail_ + kCapacity, std::memory_order_release);
  ++tail_;
  return record;
}

}  // namespace peerpulse::probe
