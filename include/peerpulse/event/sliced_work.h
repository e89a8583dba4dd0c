// SlicedWork: work that may be long, done in slices so that nobody on the loop waits for all of it (design section 2: no
// healthy exchange waits more than 1 ms). One slice runs at once, the next ones in the loop's next turns.
//
// Threading: the loop's thread. Ownership: dropped work ends with its SlicedWork.
#pragma once

#include <functional>
#include <memory>

#include "peerpulse/event/scheduler.h"

namespace peerpulse::event {

class SlicedWork {
 public:
  /// How long a slice may take: several of them may meet in one turn.
  static constexpr Duration kSlice = microseconds(250);

  /// `step` works until `stop` (at least one unit), and says whether it is done.
  SlicedWork(Scheduler& scheduler, std::function<bool(TimePoint stop)> step);

  /// Does the first slice now, unless one is due anyway. From inside a slice: there will be another.
  void start();
  bool running() const { return slicing_ || next_->enabled(); }

 private:
  void slice();

  Scheduler& scheduler_;
  std::function<bool(TimePoint)> step_;
  std::unique_ptr<Timer> next_;
  bool slicing_ = false;
  bool more_ = false;  // start() came from inside the slice
};

}  // namespace peerpulse::event
