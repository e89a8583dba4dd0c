#include "peerpulse/event/sliced_work.h"

#include <utility>

namespace peerpulse::event {

SlicedWork::SlicedWork(Scheduler& scheduler, std::function<bool(TimePoint)> step)
    : scheduler_(scheduler), step_(std::move(step)), next_(scheduler.createTimer([this] { slice(); })) {}

void SlicedWork::start() {
  if (slicing_) {
    more_ = true;
  } else if (!next_->enabled()) {
    slice();
  }
}

void SlicedWork::slice() {
  slicing_ = true;
  more_ = false;
  const bool done = step_(scheduler_.now() + kSlice);
  slicing_ = false;
  if (!done || more_) next_->enable(Duration::zero());
}

}  // namespace peerpulse::event
