// TimerHeap: the armed timers of one loop, the earliest first. Carrying a request arms and disarms several timers that
// almost never fire: here each costs a few comparisons, and the loop's own timer is touched only when an earlier one
// comes (HAProxy's and nginx's trees do the same).
//
// Pure: time comes in. Timers due at the same moment come out in the order in which they were armed.
// Threading: one thread. Ownership: none; an entry leaves the heap by itself when it is destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "peerpulse/base/time.h"

namespace peerpulse::event {

class TimerHeap {
 public:
  /// Base of what can be armed.
  class Entry {
   public:
    Entry() = default;
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    virtual ~Entry() {
      if (heap_ != nullptr) heap_->remove(*this);
    }
    virtual void onDue() = 0;
    bool armed() const { return heap_ != nullptr; }

   private:
    friend class TimerHeap;
    TimerHeap* heap_ = nullptr;
    size_t place_ = 0;
  };

  TimerHeap() = default;
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;
  ~TimerHeap();

  /// Armed already: moved. True if it is now the earliest.
  bool arm(Entry& entry, TimePoint at);
  /// Not armed: no-op.
  void remove(Entry& entry);
  /// TimePoint::max() when nothing is armed.
  TimePoint next() const { return heap_.empty() ? TimePoint::max() : heap_.front().at; }
  size_t size() const { return heap_.size(); }
  /// Calls onDue() of all that were armed before this call for a moment up to `now`, disarmed first. What they arm
  /// waits for the next call, so that a timer which arms itself for now cannot keep the loop here.
  void run(TimePoint now);

 private:
  struct Slot {
    TimePoint at;
    uint64_t order;  // of arming
    Entry* entry;
    bool before(const Slot& other) const { return at != other.at ? at < other.at : order < other.order; }
  };
  void place(size_t i, const Slot& slot);
  void siftUp(size_t i, const Slot& slot);
  void siftDown(size_t i, const Slot& slot);

  std::vector<Slot> heap_;
  uint64_t armings_ = 0;
};

}  // namespace peerpulse::event
