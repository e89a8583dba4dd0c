// Dispatcher: one event loop, on one thread. It knows file descriptors, timers, posted functions and deferred
// deletion, and nothing of networks (Envoy's dispatcher without its dependencies).
//
// Threading: made on any thread; run() binds it to the calling thread. post() and exit() may be called from
//   any thread, everything else only from the loop's thread (or before run() and after it returned); debug and
//   sanitizer builds assert it.
// Ownership: timers and file events are owned by whoever created them and must die before the dispatcher.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "peerpulse/base/mutex.h"
#include "peerpulse/base/thread_checker.h"
#include "peerpulse/base/time.h"

namespace peerpulse::event {

/// Base of objects that may still be on the call stack when they are done with: Dispatcher::deferredDelete()
/// destroys them at the end of the current loop turn, so a `unique_ptr` survives callbacks.
class DeferredDeletable {
 public:
  virtual ~DeferredDeletable() = default;
};

/// A one-shot timer.
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

/// Readiness of one descriptor, level-triggered.
class FileEvent {
 public:
  static constexpr uint32_t kRead = 1;
  static constexpr uint32_t kWrite = 2;

  virtual ~FileEvent() = default;
  /// Watches for these (kRead | kWrite, or 0 for none).
  virtual void setEnabled(uint32_t events) = 0;
};

class Dispatcher {
 public:
  Dispatcher();
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// The monotonic clock.
  TimePoint now() const;
  /// The wall clock, for what people read.
  WallTime wallNow() const;

  std::unique_ptr<Timer> createTimer(std::function<void()> callback);
  /// `fd` stays the caller's and must outlive the event. Starts disabled.
  std::unique_ptr<FileEvent> createFileEvent(int fd, std::function<void(uint32_t events)> callback);

  std::unique_ptr<TurnEnd> createTurnEnd(std::function<void()> callback);

  /// Runs `callback` on the loop's thread, in the order of posting, in a later turn of the loop.
  void post(std::function<void()> callback);

  /// Destroys `object` at the end of this loop turn.
  void deferredDelete(std::unique_ptr<DeferredDeletable> object);
  /// Destroys them now. Only after run() returned, or before what they refer to goes away.
  void clearDeferred();

  /// Runs until exit(). Functions posted before run() are run first.
  void run();
  /// Makes run() return after the current callbacks.
  void exit();

  /// Reports every `interval` how late the loop was in serving its own heartbeat: the sign of an overloaded
  /// loop or a stopped process (Lifeguard: blame yourself first). Costs one timer.
  void measureLag(Duration interval, std::function<void(Duration lag)> onLag);

 private:
  class TimerImpl;
  class FileEventImpl;
  class TurnEndImpl;

  void runPosted();

  struct Loop;  // libevent's part
  std::unique_ptr<Loop> loop_;
  int wakeFd_;

  ThreadOwner owner_;  // bound while run() runs

  Mutex postMutex_;
  std::vector<std::function<void()>> posted_ PP_GUARDED_BY(postMutex_);

  std::vector<std::unique_ptr<DeferredDeletable>> deferred_;
  bool clearing_ = false;
  bool exiting_ = false;

  std::unique_ptr<Timer> lagTimer_;
  TimePoint lagExpected_;
};

}  // namespace peerpulse::event
