// Scheduler: what a loop gives to those who live on it: the time, timers, the end of the turn, posts and deferred
// deletion. It is the seam at which time is injected: Dispatcher is the real one (libevent, the monotonic clock), the
// simulation has one on virtual time. Whoever needs no file descriptors takes a Scheduler, not a Dispatcher.
//
// Threading: post() from any thread, everything else on the loop's thread (or before the loop runs).
// Ownership: timers and turn ends are owned by whoever created them and must die before the scheduler.
#pragma once

#include <functional>
#include <memory>

#include "peerpulse/base/time.h"

namespace peerpulse::event {

/// Base of objects that may still be on the call stack when they are done with: Scheduler::deferredDelete() destroys
/// them at the end of the current loop turn, so a `unique_ptr` survives callbacks.
class DeferredDeletable {
 public:
  virtual ~DeferredDeletable() = default;
};

/// A one-shot timer. Arming and disarming cost no system call (see TimerHeap).
class Timer {
 public:
  virtual ~Timer() = default;
  /// (Re)arms to fire `delay` from now; a negative delay counts as zero.
  virtual void enable(Duration delay) = 0;
  virtual void disable() = 0;
  virtual bool enabled() const = 0;
};

/// A callback that runs after the other callbacks of the current loop turn.
class TurnEnd {
 public:
  virtual ~TurnEnd() = default;
  /// Runs the callback once, however often it is scheduled before that.
  virtual void schedule() = 0;
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;

  /// The monotonic clock.
  virtual TimePoint now() const = 0;
  /// The wall clock, for what people read.
  virtual WallTime wallNow() const = 0;

  /// Timers due at the same moment fire in the order in which they were armed.
  virtual std::unique_ptr<Timer> createTimer(std::function<void()> callback) = 0;
  virtual std::unique_ptr<TurnEnd> createTurnEnd(std::function<void()> callback) = 0;

  /// Runs `callback` on the loop's thread, in the order of posting, in a later turn of the loop.
  virtual void post(std::function<void()> callback) = 0;

  /// Destroys `object` at the end of this loop turn.
  virtual void deferredDelete(std::unique_ptr<DeferredDeletable> object) = 0;
};

}  // namespace peerpulse::event
