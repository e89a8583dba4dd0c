#include "io_pool.h"

#include <signal.h>

#include "peerpulse/base/assert.h"

namespace peerpulse::tools {

IoPool::IoPool(int threads) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] {
      // Signals are the main thread's.
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_BLOCK, &all, nullptr);
      serve();
    });
  }
}

IoPool::~IoPool() { stop(); }

void IoPool::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notifyAll();
  for (std::thread& thread : threads_)
    thread.join();
  threads_.clear();
}

void IoPool::submit(IoSlot& slot) {
  {
    const MutexLock lock(mutex_);
    PP_ASSERT(!stopping_);
    queue_.pushBack(slot);
  }
  wake_.notifyOne();
}

void IoPool::serve() {
  while (IoSlot* const slot = take())
    slot->runWork();
}

IoSlot* IoPool::take() {
  const MutexLock lock(mutex_);
  while (!stopping_ && queue_.empty())
    wake_.wait(mutex_);
  if (queue_.empty()) return nullptr;
  IoSlot& slot = queue_.front();
  slot.unlink();
  return &slot;
}

IoSlot::~IoSlot() { PP_ASSERT(!busy_); }

void IoSlot::start(std::function<void()> work, std::function<void()> done) {
  PP_ASSERT(!busy_);
  busy_ = true;
  work_ = std::move(work);
  done_ = std::move(done);
  pool_.submit(*this);
}

void IoSlot::runWork() {
  work_();
  // The last touch of the slot on this thread: the loop may reuse or free it as soon as it is posted.
  dispatcher_.post([this] { complete(); });
}

void IoSlot::complete() {
  busy_ = false;
  work_ = nullptr;
  // Moved out: `done` may start the next work, or hand the slot's owner to deferred deletion.
  const std::function<void()> done = std::move(done_);
  done_ = nullptr;
  done();
}

}  // namespace peerpulse::tools
