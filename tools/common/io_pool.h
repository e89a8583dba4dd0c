// IoPool: a few threads for what would block an event loop (file operations, coding). IoSlot: one user's
// place in it: at most one piece of work at a time, its completion runs on the user's loop.
//
// Back-pressure: a slot is queued at most once, so the queue is as long as there are slots; whoever creates
// slots (one per exchange or stripe) bounds their number.
//
// Threading: IoPool's methods from any thread. An IoSlot belongs to its dispatcher's thread.
// Ownership: a slot must not die while busy(). stop() must be called before the dispatchers of busy slots
// die.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "peerpulse/base/linked_list.h"
#include "peerpulse/base/mutex.h"
#include "peerpulse/event/dispatcher.h"

namespace peerpulse::tools {

struct IoQueueTag {};
class IoSlot;

class IoPool {
 public:
  explicit IoPool(int threads);
  ~IoPool();
  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;

  /// Finishes what is queued, then ends the threads. Idempotent.
  void stop();

 private:
  friend class IoSlot;
  void submit(IoSlot& slot);
  void serve();
  /// Waits for the next slot; null when the pool stops and the queue is empty.
  IoSlot* take();

  Mutex mutex_;
  CondVar wake_;
  LinkedList<IoSlot, IoQueueTag> queue_ PP_GUARDED_BY(mutex_);
  bool stopping_ PP_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

class IoSlot : public ListNode<IoQueueTag> {
 public:
  IoSlot(IoPool& pool, event::Dispatcher& dispatcher) : pool_(pool), dispatcher_(dispatcher) {}
  ~IoSlot();

  /// Runs `work` on a thread of the pool, then `done` on the loop's thread. What `work` touches must be left
  /// alone until then. Requires !busy(). `done` may start the next work.
  void start(std::function<void()> work, std::function<void()> done);
  bool busy() const { return busy_; }

 private:
  friend class IoPool;
  void runWork();
  void complete();

  IoPool& pool_;
  event::Dispatcher& dispatcher_;
  std::function<void()> work_;
  std::function<void()> done_;
  bool busy_ = false;
};

}  // namespace peerpulse::tools
