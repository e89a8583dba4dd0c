// Budget: what all operations of all workers may take together, and each operation's Share of it.
//
// Threading: Budget: any thread (relaxed counters: they order nothing). Share: its operation's thread.
// Ownership: the Budget outlives its shares; a Share gives back what it has when it goes.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "peerpulse/base/assert.h"
#include "peerpulse/fanout/options.h"

namespace peerpulse::fanout {

class Budget {
 public:
  explicit Budget(const Options& options) : maxOperations_(options.maxOperations), maxBytes_(options.memory) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  uint32_t operations() const { return operations_.load(std::memory_order_relaxed); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  friend class Share;
  /// Adds `n` unless that would exceed `max`.
  template <typename T>
  static bool take(std::atomic<T>& value, T n, T max) {
    T now = value.load(std::memory_order_relaxed);
    do {
      if (n > max || now > max - n) return false;
    } while (!value.compare_exchange_weak(now, now + n, std::memory_order_relaxed));
    return true;
  }

  const uint32_t maxOperations_;
  const uint64_t maxBytes_;
  std::atomic<uint32_t> operations_{0};
  std::atomic<uint64_t> bytes_{0};
};

/// One operation's, or one answer's on its way to the caller. Empty until begin() or charge().
class Share {
 public:
  Share() = default;
  Share(Share&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)),
        operation_(other.operation_) {}
  Share& operator=(Share&&) = delete;
  ~Share() {
    if (budget_ == nullptr) return;
    shrink(bytes_);
    if (operation_) budget_->operations_.fetch_sub(1, std::memory_order_relaxed);
  }

  /// False: there are as many operations as there may be.
  bool begin(Budget& budget) {
    if (!Budget::take(budget.operations_, uint32_t{1}, budget.maxOperations_)) return false;
    budget_ = &budget;
    return true;
  }
  /// False: so much more is too much; nothing was taken. Requires begin().
  bool grow(uint64_t bytes) {
    if (!Budget::take(budget_->bytes_, bytes, budget_->maxBytes_)) return false;
    bytes_ += bytes;
    return true;
  }
  /// What is there already, and only has to be counted: as an answer that is made. No operation, no refusal.
  void charge(Budget& budget, uint64_t bytes) {
    PP_ASSERT(budget_ == nullptr);
    budget_ = &budget;
    operation_ = false;
    bytes_ = bytes;
    budget.bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  /// Requires bytes <= bytes().
  void shrink(uint64_t bytes) {
    bytes_ -= bytes;
    budget_->bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  }
  uint64_t bytes() const { return bytes_; }

 private:
  Budget* budget_ = nullptr;
  uint64_t bytes_ = 0;
  bool operation_ = true;
};

}  // namespace peerpulse::fanout
