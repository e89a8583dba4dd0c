// A loop whose time is the test's: it stands still until the test moves it.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "peerpulse/event/scheduler.h"
#include "peerpulse/event/timer_heap.h"

namespace peerpulse::test {

class ManualScheduler final : public event::Scheduler {
 public:
  TimePoint now() const override { return now_; }
  WallTime wallNow() const override {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(now_.time_since_epoch()));
  }
  std::unique_ptr<event::Timer> createTimer(std::function<void()> callback) override {
    return std::make_unique<TimerImpl>(*this, std::move(callback));
  }
  std::unique_ptr<event::TurnEnd> createTurnEnd(std::function<void()> callback) override {
    return std::make_unique<TurnEndImpl>(*this, std::move(callback));
  }
  void post(std::function<void()> callback) override { posted_.push_back(std::move(callback)); }
  void deferredDelete(std::unique_ptr<event::DeferredDeletable> object) override {
    deferred_.push_back(std::move(object));
  }

  /// One turn of the loop at this moment: what was posted, timers that are due, turn ends, deferred deletion.
  void turn() {
    for (auto posted = std::exchange(posted_, {}); !posted.empty(); posted.pop_front())
      posted.front()();
    timers_.run(now_);
    while (!turnEnds_.empty()) {
      TurnEndImpl& turnEnd = *turnEnds_.front();
      turnEnds_.erase(turnEnds_.begin());
      turnEnd.scheduled = false;
      turnEnd.callback();
    }
    while (!deferred_.empty())
      std::exchange(deferred_, {}).clear();
  }
  /// Turns at every moment at which a timer is due, up to `span` from now.
  void advance(Duration span) {
    const TimePoint until = now_ + span;
    for (turn(); timers_.next() <= until; turn())
      now_ = std::max(now_, timers_.next());
    now_ = until;
  }

 private:
  struct TimerImpl final : event::Timer, event::TimerHeap::Entry {
    TimerImpl(ManualScheduler& s, std::function<void()> c) : scheduler(s), callback(std::move(c)) {}
    void enable(Duration delay) override {
      scheduler.timers_.arm(*this, scheduler.now_ + std::max(delay, Duration::zero()));
    }
    void disable() override { scheduler.timers_.remove(*this); }
    bool enabled() const override { return armed(); }
    void onDue() override { callback(); }
    ManualScheduler& scheduler;
    std::function<void()> callback;
  };
  struct TurnEndImpl final : event::TurnEnd {
    TurnEndImpl(ManualScheduler& s, std::function<void()> c) : scheduler(s), callback(std::move(c)) {}
    ~TurnEndImpl() override { std::erase(scheduler.turnEnds_, this); }
    void schedule() override {
      if (!std::exchange(scheduled, true)) scheduler.turnEnds_.push_back(this);
    }
    ManualScheduler& scheduler;
    std::function<void()> callback;
    bool scheduled = false;
  };

  TimePoint now_{seconds(1000)};
  event::TimerHeap timers_;
  std::deque<std::function<void()>> posted_;
  std::vector<TurnEndImpl*> turnEnds_;
  std::vector<std::unique_ptr<event::DeferredDeletable>> deferred_;
};

}  // namespace peerpulse::test
