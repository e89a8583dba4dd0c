#include "peerpulse/net/flush_queue.h"

namespace peerpulse::net {

FlushQueue::FlushQueue(event::Scheduler& scheduler)
    : turnEnd_(scheduler.createTurnEnd([this] { run(); })), nextTurn_(scheduler.createTimer([this] { run(); })) {}

void FlushQueue::add(Flushable& item) {
  if (item.linked()) return;
  queue_.pushBack(item);
  if (!running_) turnEnd_->schedule();
}

// Items may queue others (or themselves again); a bound keeps one turn from going on for ever. What is over it waits for
// the next turn: a turn end that is scheduled from inside one would run in this one.
void FlushQueue::run() {
  running_ = true;
  for (size_t budget = queue_.size() * 4; budget > 0 && !queue_.empty(); --budget) {
    Flushable& item = queue_.front();
    item.unlink();
    item.flushNow();
  }
  running_ = false;
  if (!queue_.empty()) nextTurn_->enable(Duration::zero());
}

}  // namespace peerpulse::net
