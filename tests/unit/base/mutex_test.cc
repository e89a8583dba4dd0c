// Goal: the annotated mutex and condition variable are what std's are. That clang refuses unguarded access is
// checked when the build is configured (meson.build here).
#include "peerpulse/base/mutex.h"

#include <chrono>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace peerpulse;

namespace {

class Counter {
 public:
  void add() {
    const MutexLock lock(mutex_);
    ++count_;
    changed_.notifyAll();
  }
  void waitFor(int count) {
    const MutexLock lock(mutex_);
    while (count_ < count)
      changed_.wait(mutex_);
  }
  /// False if it takes longer.
  bool waitFor(int count, Duration atMost) {
    const TimePoint deadline = Clock::now() + atMost;
    const MutexLock lock(mutex_);
    while (count_ < count) {
      if (!changed_.waitUntil(mutex_, deadline)) return count_ >= count;
    }
    return true;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int count_ PP_GUARDED_BY(mutex_) = 0;
};

}  // namespace

TEST_CASE("mutex: what it guards is changed by one thread at a time") {
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kEach; ++n)
        counter.add();
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  CHECK(counter.waitFor(kThreads * kEach, Duration::zero()));
  CHECK_FALSE(counter.waitFor(kThreads * kEach + 1, Duration::zero()));
}

TEST_CASE("mutex: a waiter is woken, holds the mutex again, and gives it back") {
  Counter counter;
  std::thread waiter([&] {
    counter.waitFor(1);
    counter.add();
  });
  counter.add();
  counter.waitFor(2);
  waiter.join();
  CHECK(counter.waitFor(2, Duration::zero()));
}

TEST_CASE("mutex: a timed wait ends without a change, and not before its time") {
  Counter counter;
  const TimePoint start = Clock::now();
  CHECK_FALSE(counter.waitFor(1, milliseconds(5)));
  CHECK(Clock::now() - start >= milliseconds(5));
  counter.add();  // not locked for ever
}
