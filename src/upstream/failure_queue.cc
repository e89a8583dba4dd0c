#include "failure_queue.h"

#include "peerpulse/event/sliced_work.h"

namespace peerpulse::upstream {

FailureQueue::FailureQueue(event::Scheduler& scheduler)
    : scheduler_(scheduler),
      turnEnd_(scheduler.createTurnEnd([this] { until_ = TimePoint(); })),
      next_(scheduler.createTimer([this] { tell(); })) {}

bool FailureQueue::mayTell() {
  if (!waiting_.empty()) return false;
  const TimePoint now = scheduler_.now();
  if (until_ == TimePoint()) {
    until_ = now + event::SlicedWork::kSlice;
    turnEnd_->schedule();
  }
  return now < until_;
}

void FailureQueue::add(Request& request) {
  waiting_.pushBack(request);
  if (!next_->enabled()) next_->enable(Duration::zero());
}

void FailureQueue::tell() {
  const TimePoint stop = scheduler_.now() + event::SlicedWork::kSlice;
  do {
    if (waiting_.empty()) return;
    Request& first = waiting_.front();
    first.ListNode<FailingTag>::unlink();
    first.onFailureTurn();
  } while (scheduler_.now() < stop);
  if (!waiting_.empty()) next_->enable(Duration::zero());
}

}  // namespace peerpulse::upstream
