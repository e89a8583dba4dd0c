#include "peerpulse/net/flush_queue.h"

#include "peerpulse/event/sliced_work.h"

namespace peerpulse::net {

FlushQueue::FlushQueue(event::Scheduler& scheduler)
    : scheduler_(scheduler),
      turnEnd_(scheduler.createTurnEnd([this] { run(); })),
      nextTurn_(scheduler.createTimer([this] { run(); })) {}

void FlushQueue::add(Flushable& item) {
  if (item.linked()) return;
  queue_.pushBack(item);
  if (!running_) turnEnd_->schedule();
}

// Items may queue others (or themselves again), and a thousand may be queued at once: what is over the bounds waits for the
// next turn. A turn end that is scheduled from inside one would run in this one.
void FlushQueue::run() {
  running_ = true;
  const TimePoint stop = scheduler_.now() + event::SlicedWork::kSlice;
  for (size_t budget = queue_.size() * 4; budget > 0 && !queue_.empty(); --budget) {
    Flushable& item = queue_.front();
    item.unlink();
    item.flushNow();
    if (scheduler_.now() >= stop) break;
  }
  running_ = false;
  if (!queue_.empty()) nextTurn_->enable(Duration::zero());
}

}  // namespace peerpulse::net
