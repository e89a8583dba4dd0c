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
#include "peerpulse/event/scheduler.h"
#include "peerpulse/event/timer_heap.h"

namespace peerpulse::event {

/// Readiness of one descriptor, level-triggered.
class FileEvent {
 public:
  static constexpr uint32_t kRead = 1;
  static constexpr uint32_t kWrite = 2;

  virtual ~FileEvent() = default;
  /// Watches for these (kRead | kWrite, or 0 for none).
  virtual void setEnabled(uint32_t events) = 0;
};

class Dispatcher final : public Scheduler {
 public:
  Dispatcher();
  ~Dispatcher() override;
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  TimePoint now() const override;
  WallTime wallNow() const override;
  std::unique_ptr<Timer> createTimer(std::function<void()> callback) override;
  std::unique_ptr<TurnEnd> createTurnEnd(std::function<void()> callback) override;
  void post(std::function<void()> callback) override;
  void deferredDelete(std::unique_ptr<DeferredDeletable> object) override;

  /// `fd` stays the caller's and must outlive the event. Starts disabled.
  std::unique_ptr<FileEvent> createFileEvent(int fd, std::function<void(uint32_t events)> callback);

  /// Destroys what was deferred now. Only after run() returned, or before what they refer to goes away.
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
  void runTimers();
  void arm(TimerImpl& timer, Duration delay);
  void armLoopTimer();

  struct Loop;  // libevent's part
  std::unique_ptr<Loop> loop_;
  TimerHeap timers_;
  TimePoint loopTimerFor_ = TimePoint::max();  // the moment libevent will wake us at
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
