// ThreadOwner: asserts that what belongs to one thread is used by that thread alone.
//
// It is a member of the class that belongs to a thread, whose methods call check() first. The owner is the thread that
// used it first, or that called bind(). The check is one comparison. Checks are made where PEERPULSE_CHECK_THREADS is
// defined (by meson, in debug and sanitizer builds); elsewhere the class is empty and its methods do nothing.
//
// It is a capability too: a private method can say PP_REQUIRES(owner_) and a member PP_GUARDED_BY(owner_), and clang
// then wants a check on every way there.
//
// Threading: every method from any thread; that is what it is for.
#pragma once

#include <atomic>
#include <thread>

#include "peerpulse/base/assert.h"
#include "peerpulse/base/thread_annotations.h"

namespace peerpulse {

/// Use ThreadOwner, which is this one or UncheckedThreadOwner.
class PP_CAPABILITY("thread") CheckedThreadOwner {
 public:
  CheckedThreadOwner() = default;
  CheckedThreadOwner(const CheckedThreadOwner&) = delete;
  CheckedThreadOwner& operator=(const CheckedThreadOwner&) = delete;

  /// Aborts when another thread than the owner calls it. Where there is no owner yet, the calling thread is it.
  void check() const PP_ASSERT_CAPABILITY(this) {
    std::thread::id owner;  // nobody
    const std::thread::id self = std::this_thread::get_id();
    PP_ASSERT(mine() || owner_.compare_exchange_strong(owner, self, std::memory_order_relaxed));
  }
  /// check(), but where there is no owner, any thread passes and none becomes it: for what may be set up elsewhere
  /// than where it runs.
  void checkIfBound() const PP_ASSERT_CAPABILITY(this) { PP_ASSERT(mine() || free()); }

  /// The calling thread is the owner from now on, whoever was it before: at the start of the thread that an object
  /// was handed to.
  void bind() PP_ASSERT_CAPABILITY(this) { owner_.store(std::this_thread::get_id(), std::memory_order_relaxed); }
  /// Nobody is: the next user may be another thread. Only by the owner.
  void release() {
    PP_ASSERT(mine());
    owner_.store(std::thread::id(), std::memory_order_relaxed);
  }

 private:
  bool mine() const { return owner_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }
  bool free() const { return owner_.load(std::memory_order_relaxed) == std::thread::id(); }

  // Atomic, so that a thread that must not come here is told so by us instead of racing. Relaxed: whatever handed the
  // object from one thread to the other has ordered its memory.
  mutable std::atomic<std::thread::id> owner_{};
};

class PP_CAPABILITY("thread") UncheckedThreadOwner {
 public:
  UncheckedThreadOwner() = default;
  UncheckedThreadOwner(const UncheckedThreadOwner&) = delete;
  UncheckedThreadOwner& operator=(const UncheckedThreadOwner&) = delete;

  void check() const PP_ASSERT_CAPABILITY(this) {}
  void checkIfBound() const PP_ASSERT_CAPABILITY(this) {}
  void bind() PP_ASSERT_CAPABILITY(this) {}
  void release() {}
};

#ifdef PEERPULSE_CHECK_THREADS
using ThreadOwner = CheckedThreadOwner;
#else
using ThreadOwner = UncheckedThreadOwner;
#endif

}  // namespace peerpulse
