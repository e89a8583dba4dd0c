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

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "peerpulse/base/linked_list.h"
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

  std::mutex mutex_;
  std::condition_variable wake_;
  LinkedList<IoSlot, IoQueueTag> queue_;  // guarded by mutex_
  bool stopping_ = false;                 // guarded by mutex_
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
