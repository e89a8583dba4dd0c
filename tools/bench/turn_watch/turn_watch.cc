// turn_watch: preloaded into peerpulse by `tools/bench/inflight --turns`. Each turn of an event loop is what a thread does
// between two calls of epoll_wait; its processor time is taken, so that neither the wait nor another process that had the
// processor is in it. The numbers stand in the file that TURN_WATCH_FILE names, for another process to read and to reset.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

constexpr uint64_t kLong = 1'000'000;  // ns: what design section 2 allows
constexpr unsigned kThreads = 64;
constexpr uint64_t kFew = 16;  // of more events than that each is short, however long the turn

/// Of turns that served few events, or many.
struct Longest {
  std::atomic<uint64_t> nanos, events, over;  // `over`: how many took more than kLong
};

/// Of a thread; tools/lib/bench/turn_watch.py reads the same.
struct Turns {
  std::atomic<uint64_t> turns;
  Longest few, many;
  char name[16];
};
static_assert(sizeof(Turns) == 72);

Turns* openTable() {
  const char* path = std::getenv("TURN_WATCH_FILE");
  if (path == nullptr) return nullptr;
  const int fd = ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* const memory = ::mmap(nullptr, kThreads * sizeof(Turns), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return memory == MAP_FAILED ? nullptr : static_cast<Turns*>(memory);
}

Turns* ofThisThread() {
  static Turns* const table = openTable();
  static std::atomic<unsigned> taken = 0;
  if (table == nullptr) return nullptr;
  const unsigned place = taken.fetch_add(1);
  return place < kThreads ? &table[place] : nullptr;
}

uint64_t processorNanos() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

void note(Turns& turns, uint64_t took, uint64_t events) {
  if (turns.turns.fetch_add(1, std::memory_order_relaxed) == 0)
    ::pthread_getname_np(::pthread_self(), turns.name, 16);
  Longest& longest = events <= kFew ? turns.few : turns.many;
  if (took > kLong) longest.over.fetch_add(1, std::memory_order_relaxed);
  if (took <= longest.nanos.load(std::memory_order_relaxed)) return;
  longest.nanos.store(took, std::memory_order_relaxed);
  longest.events.store(events, std::memory_order_relaxed);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int epoll_wait(int fd, epoll_event* events, int most, int timeout) {
  using EpollWait = int (*)(int, epoll_event*, int, int);
  static const auto next = reinterpret_cast<EpollWait>(::dlsym(RTLD_NEXT, "epoll_wait"));
  thread_local Turns* const turns = ofThisThread();
  thread_local uint64_t began = 0;  // 0: the first call ends no turn
  thread_local int served = 0;
  if (turns != nullptr && began != 0)
    note(*turns, processorNanos() - began, static_cast<uint64_t>(std::max(served, 0)));
  served = next(fd, events, most, timeout);
  began = processorNanos();
  return served;
}
