// LoopTime: a loop's own time: what has passed, less what the loop has lost because a callback took long, the machine was
// busy or the process was stopped. Deadlines count in it, so that nobody is blamed for time in which we did not look
// (design section 3). LoopWatch measures it.
//
// Threading: one loop's thread. Cost: one timer.
#pragma once

#include <memory>

#include "peerpulse/event/scheduler.h"

namespace peerpulse::upstream {

struct LoopTime {
  /// So late a loop may be by a turn's work.
  static constexpr Duration kLate = milliseconds(10);

  Duration lost{};
  TimePoint due = TimePoint::max();  ///< the watch's next look

  /// Never goes back, and stands still while the loop catches up.
  TimePoint at(TimePoint now) const { return now - lost - lateness(now); }
  Duration lateness(TimePoint now) const {
    const Duration late = now > due ? now - due : Duration::zero();
    return late > kLate ? late - kLate : Duration::zero();
  }
};

class LoopWatch {
 public:
  static constexpr Duration kInterval = milliseconds(50);

  /// `time` outlives it.
  LoopWatch(event::Scheduler& scheduler, LoopTime& time)
      : scheduler_(scheduler), time_(time), timer_(scheduler.createTimer([this] { look(); })) {
    await();
  }

 private:
  void look() {
    time_.lost += time_.lateness(scheduler_.now());
    await();
  }
  void await() {
    time_.due = scheduler_.now() + kInterval;
    timer_->enable(kInterval);
  }

  event::Scheduler& scheduler_;
  LoopTime& time_;
  std::unique_ptr<event::Timer> timer_;
};

}  // namespace peerpulse::upstream
