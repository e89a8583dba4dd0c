// VirtualTime: the one clock of everything that takes part in a simulated world (loops, a network), and the order in
// which they run. Nothing runs and no time passes by itself.
//
// A step is the earliest thing that is to happen, at its moment. At the same moment: networks first (what arrived is
// there before anything is judged), then loops, the one that has waited longest for its turn first. So the same calls
// give the same run, everywhere.
//
// A simulation with events of its own composes it like this: its earliest event, unless stepBefore(that event's moment)
// found something to do sooner; then advanceTo() that moment and whatever the event does.
//
// Threading: one thread. Ownership: none; participants register themselves and must die before the clock.
#pragma once

#include <cstdint>
#include <vector>

#include "peerpulse/base/time.h"

namespace peerpulse::test {

class VirtualTime {
 public:
  enum class Rank : uint8_t { kNetwork, kLoop };

  class Participant {
   public:
    Participant(VirtualTime& time, Rank rank);
    virtual ~Participant();
    Participant(const Participant&) = delete;
    Participant& operator=(const Participant&) = delete;
    /// When it wants to run next, now or earlier for at once; TimePoint::max(): not by itself.
    virtual TimePoint nextEvent() = 0;
    /// Runs what is due now.
    virtual void runDue() = 0;

   protected:
    VirtualTime& time_;

   private:
    friend class VirtualTime;
    uint64_t order() const { return static_cast<uint64_t>(rank_) << 63 | lastRun_; }
    Rank rank_;
    uint64_t lastRun_ = 0;
  };

  explicit VirtualTime(TimePoint start = TimePoint() + seconds(1000)) : now_(start) {}
  ~VirtualTime();
  VirtualTime(const VirtualTime&) = delete;
  VirtualTime& operator=(const VirtualTime&) = delete;

  TimePoint now() const { return now_; }
  /// The earliest of all participants' events, not before now; TimePoint::max() when there is none.
  TimePoint nextEvent();
  /// Runs the earliest event if it is sooner than `limit`. False: there was none, and nothing happened.
  bool stepBefore(TimePoint limit);
  /// Who ran in the last step; null before the first.
  const Participant* lastRun() const { return lastRan_; }
  /// Time passes, nothing runs. What was due meanwhile is late.
  void advanceTo(TimePoint to);

  /// Everything up to and including `until`, which is then the time.
  void runUntil(TimePoint until);
  void runFor(Duration d) { runUntil(now_ + d); }
  /// Until `done()`, which is asked after each step, or `limit` has passed; returns done().
  template <typename Done>
  bool runUntil(Done done, Duration limit = seconds(60)) {
    const TimePoint end = now_ + limit;
    while (!done()) {
      if (!stepBefore(end)) return false;
    }
    return true;
  }

 private:
  std::vector<Participant*> participants_;
  TimePoint now_;
  uint64_t runs_ = 0;
  const Participant* lastRan_ = nullptr;
};

}  // namespace peerpulse::test
