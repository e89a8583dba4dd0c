#include "peerpulse/event/timer_heap.h"

#include "peerpulse/base/assert.h"

namespace peerpulse::event {

TimerHeap::~TimerHeap() {
  for (const Slot& slot : heap_)
    slot.entry->heap_ = nullptr;
}

bool TimerHeap::arm(Entry& entry, TimePoint at) {
  remove(entry);
  entry.heap_ = this;
  const Slot slot{at, armings_++, &entry};
  heap_.push_back(slot);
  siftUp(heap_.size() - 1, slot);
  return entry.place_ == 0;
}

void TimerHeap::remove(Entry& entry) {
  if (entry.heap_ == nullptr) return;
  PP_ASSERT(entry.heap_ == this);
  entry.heap_ = nullptr;
  const size_t hole = entry.place_;
  const Slot last = heap_.back();
  heap_.pop_back();
  if (last.entry == &entry) return;
  if (hole > 0 && last.before(heap_[(hole - 1) / 2])) {
    siftUp(hole, last);
  } else {
    siftDown(hole, last);
  }
}

void TimerHeap::run(TimePoint now) {
  const uint64_t mark = armings_;
  while (!heap_.empty() && heap_.front().at <= now && heap_.front().order < mark) {
    Entry& due = *heap_.front().entry;
    remove(due);
    due.onDue();
  }
}

void TimerHeap::place(size_t i, const Slot& slot) {
  heap_[i] = slot;
  slot.entry->place_ = i;
}

void TimerHeap::siftUp(size_t i, const Slot& slot) {
  while (i > 0) {
    const size_t parent = (i - 1) / 2;
    if (!slot.before(heap_[parent])) break;
    place(i, heap_[parent]);
    i = parent;
  }
  place(i, slot);
}

void TimerHeap::siftDown(size_t i, const Slot& slot) {
  for (size_t child = 2 * i + 1; child < heap_.size(); child = 2 * i + 1) {
    if (child + 1 < heap_.size() && heap_[child + 1].before(heap_[child])) ++child;
    if (!heap_[child].before(slot)) break;
    place(i, heap_[child]);
    i = child;
  }
  place(i, slot);
}

}  // namespace peerpulse::event
