// VirtualScheduler: an event loop on virtual time. It runs things in the order in which Dispatcher does (libevent over
// a level-triggered epoll), so that what only works, or only fails, in one order does so here too. A turn:
//
//   1. the sources that became ready, in that order, each with what held when the turn began; posted functions are one
//      of them, as the real loop's wake-up descriptor is. A source that is still ready is told again in the next turn.
//   2. timers, if any was due when the turn began
//   3. turn ends and deferred deletion, in the order in which they were asked for; asked for again, they run again
//
// A turn takes no virtual time, but the loop can be busy for a while after each (setTurnCost()). block() makes it late: a
// long callback, a stopped process. What is due meanwhile runs afterwards, as it would there.
//
// Nothing is allocated per event once the loop has seen its largest turn.
//
// Threading: one thread, also for post(). Ownership: as event::Scheduler says; sources as timers.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "peerpulse/base/linked_list.h"
#include "peerpulse/event/scheduler.h"
#include "peerpulse/event/timer_heap.h"
#include "virtual_time.h"

namespace peerpulse::test {

class VirtualScheduler final : public event::Scheduler, public VirtualTime::Participant {
  struct ActiveTag {};
  struct ReadyTag {};
  using ActiveNode = ListNode<ActiveTag>;
  using ReadyNode = ListNode<ReadyTag>;
  /// What this turn has still to run.
  class Activity : public ActiveNode {
   public:
    virtual ~Activity() = default;
    virtual void run() = 0;
  };

 public:
  /// What the loop waits for besides timers, as a descriptor is for the real one.
  class Source : Activity, ReadyNode {
   public:
    explicit Source(VirtualScheduler& scheduler) : scheduler_(scheduler) {}
    /// Waits for these events, 0 for none. What this turn had still to tell is told in the next one, if it then holds.
    void watch(uint32_t events);
    /// Something may hold now that did not.
    void wake();

   protected:
    VirtualScheduler& scheduler_;

   private:
    friend class VirtualScheduler;
    template <typename T, typename U>
    friend class peerpulse::LinkedList;
    /// What holds now; asked often.
    virtual uint32_t holds() const = 0;
    virtual void onReady(uint32_t events) = 0;
    void run() override { onReady(reported_); }
    uint32_t due() const { return watched_ == 0 ? 0 : watched_ & holds(); }

    uint32_t watched_ = 0;
    uint32_t reported_ = 0;
  };

  explicit VirtualScheduler(VirtualTime& time);
  ~VirtualScheduler() override;

  TimePoint now() const override { return time_.now(); }
  WallTime wallNow() const override;
  std::unique_ptr<event::Timer> createTimer(std::function<void()> callback) override;
  std::unique_ptr<event::TurnEnd> createTurnEnd(std::function<void()> callback) override;
  void post(std::function<void()> callback) override;
  void deferredDelete(std::unique_ptr<event::DeferredDeletable> object) override;
  /// Destroys what was deferred now, as Dispatcher does after its run().
  void clearDeferred();

  TimePoint nextEvent() override;
  /// One turn now, whether it is due or not.
  void runTurn();
  void runDue() override { runTurn(); }

  /// No turn is due before `until`. A stopped process: TimePoint::max(), and unblock() when it goes on.
  void block(TimePoint until) { blockedUntil_ = until; }
  void unblock() { block(TimePoint()); }
  bool blocked() const { return blockedUntil_ > now(); }
  /// From the beginning of one turn to that of the next at least.
  void setTurnCost(Duration cost) { turnCost_ = cost; }

 private:
  class TimerImpl;
  class TurnEndImpl;
  class Posted;
  /// Runs one of the loop's own functions.
  class Chore final : public Activity {
   public:
    Chore(VirtualScheduler& scheduler, void (VirtualScheduler::*function)())
        : scheduler_(scheduler), function_(function) {}
    void run() override { (scheduler_.*function_)(); }

   private:
    VirtualScheduler& scheduler_;
    void (VirtualScheduler::*function_)();
  };

  void activate(Activity& activity);
  void poll();
  void runTimers() { timers_.run(now()); }
  void runPosted();

  event::TimerHeap timers_;
  LinkedList<Source, ReadyTag> ready_;  // may be ready; the kernel's list
  LinkedList<Activity, ActiveTag> active_;
  Chore timersDue_, deferredDue_;
  std::unique_ptr<Posted> postedSource_;
  std::vector<std::function<void()>> posted_, running_;
  std::vector<std::unique_ptr<event::DeferredDeletable>> deferred_, dying_;
  TimePoint blockedUntil_;
  Duration turnCost_{};
  bool inTurn_ = false;
  bool clearing_ = false;
};

}  // namespace peerpulse::test
