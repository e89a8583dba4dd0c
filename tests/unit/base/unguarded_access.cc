// What clang must not compile: see meson.build. It is right with PP_TEST_LOCKED and PP_TEST_CHECKED.
#include "peerpulse/base/mutex.h"
#include "peerpulse/base/thread_checker.h"

namespace {

class Guarded {
 public:
  void set(int value) {
#ifdef PP_TEST_LOCKED
    const peerpulse::MutexLock lock(mutex_);
#endif
    value_ = value;
  }
  void run() {
#ifdef PP_TEST_CHECKED
    owner_.check();
#endif
    onOwnThread();
  }

 private:
  void onOwnThread() PP_REQUIRES(owner_) {}

  peerpulse::Mutex mutex_;
  int value_ PP_GUARDED_BY(mutex_) = 0;
  peerpulse::ThreadOwner owner_;
};

}  // namespace

int main() {
  Guarded guarded;
  guarded.set(1);
  guarded.run();
}
