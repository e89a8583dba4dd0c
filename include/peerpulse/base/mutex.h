// Mutex, MutexLock, CondVar: the standard library's, with the annotations that let clang check which data they guard
// (as LevelDB's port_stdcxx.h). Data that a mutex guards says so: `int count_ PP_GUARDED_BY(mutex_) = 0;`
//
// A loop's thread takes a mutex only for a few instructions, and never one that is held during a system call.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "peerpulse/base/thread_annotations.h"
#include "peerpulse/base/time.h"

namespace peerpulse {

class PP_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() PP_ACQUIRE() { mutex_.lock(); }
  void unlock() PP_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

/// Holds a mutex for a scope.
class PP_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) PP_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() PP_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// Waits for a change of what `mutex` guards. A wait may end without a change: wait in a loop around the condition
/// (the analysis does not see into a predicate given as a lambda).
class CondVar {
 public:
  void wait(Mutex& mutex) PP_REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    changed_.wait(lock);
    lock.release();  // the caller's lock goes on
  }
  /// False if `deadline` has passed.
  bool waitUntil(Mutex& mutex, TimePoint deadline) PP_REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    const bool inTime = changed_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return inTime;
  }
  void notifyOne() { changed_.notify_one(); }
  void notifyAll() { changed_.notify_all(); }

 private:
  std::condition_variable changed_;
};

}  // namespace peerpulse
