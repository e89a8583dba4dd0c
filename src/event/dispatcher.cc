#include "peerpulse/event/dispatcher.h"

#include <algorithm>
#include <new>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "peerpulse/base/assert.h"

namespace peerpulse::event {

namespace {

timeval toTimeval(Duration d) {
  if (d < Duration::zero()) d = Duration::zero();
  // Rounded up: a timer must not fire before its time, or a deadline check would spin.
  const auto micros = std::chrono::ceil<microseconds>(d).count();
  timeval tv;
  tv.tv_sec = static_cast<time_t>(micros / 1'000'000);
  tv.tv_usec = static_cast<suseconds_t>(micros % 1'000'000);
  return tv;
}

::event_base* createBase() {
  ::event_config* config = event_config_new();
  if (config == nullptr) throw std::bad_alloc();
  // Without it libevent's timers step by the coarse clock: 4 ms at HZ=250.
  event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
  // With the cached time a timer armed late in a long turn counts from the turn's start, and fires early.
  event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  ::event_base* base = event_base_new_with_config(config);
  event_config_free(config);
  PP_ASSERT(base != nullptr);
  return base;
}

}  // namespace

class Dispatcher::TimerImpl final : public Timer, public TimerHeap::Entry {
 public:
  TimerImpl(Dispatcher& dispatcher, std::function<void()> callback)
      : dispatcher_(dispatcher), callback_(std::move(callback)) {}
  ~TimerImpl() override { dispatcher_.owner_.checkIfBound(); }
  void enable(Duration delay) override { dispatcher_.arm(*this, delay); }
  void disable() override {
    dispatcher_.owner_.checkIfBound();
    dispatcher_.timers_.remove(*this);
  }
  bool enabled() const override { return armed(); }
  void onDue() override { callback_(); }

 private:
  Dispatcher& dispatcher_;
  std::function<void()> callback_;
};

class Dispatcher::FileEventImpl : public FileEvent {
 public:
  FileEventImpl(const ThreadOwner& owner, ::event_base* base, int fd, std::function<void(uint32_t)> callback)
      : owner_(owner), base_(base), fd_(fd), callback_(std::move(callback)) {
    event_ = event_new(base, fd, 0, &FileEventImpl::onEvent, this);
    if (event_ == nullptr) throw std::bad_alloc();
  }
  ~FileEventImpl() override {
    owner_.checkIfBound();
    event_free(event_);
  }
  void setEnabled(uint32_t events) override {
    owner_.checkIfBound();
    if (events == enabled_) return;
    enabled_ = events;
    event_del(event_);
    if (events == 0) return;
    const int flags = ((events & kRead) != 0 ? EV_READ : 0) | ((events & kWrite) != 0 ? EV_WRITE : 0);
    PP_ASSERT(
        event_assign(event_, base_, fd_, static_cast<short>(flags | EV_PERSIST), &FileEventImpl::onEvent, this) == 0);
    PP_ASSERT(event_add(event_, nullptr) == 0);
  }

 private:
  static void onEvent(evutil_socket_t, short what, void* self) {
    const uint32_t events = ((what & EV_READ) != 0 ? kRead : 0) | ((what & EV_WRITE) != 0 ? kWrite : 0);
    static_cast<FileEventImpl*>(self)->callback_(events);
  }

  const ThreadOwner& owner_;
  ::event_base* base_;
  int fd_;
  std::function<void(uint32_t)> callback_;
  ::event* event_;
  uint32_t enabled_ = 0;
};

class Dispatcher::TurnEndImpl : public TurnEnd {
 public:
  TurnEndImpl(const ThreadOwner& owner, ::event_base* base, std::function<void()> callback)
      : owner_(owner), callback_(std::move(callback)) {
    event_ = event_new(
        base, -1, 0,
        [](evutil_socket_t, short, void* self) {
          auto* turnEnd = static_cast<TurnEndImpl*>(self);
          turnEnd->scheduled_ = false;
          turnEnd->callback_();
        },
        this);
    if (event_ == nullptr) throw std::bad_alloc();
  }
  ~TurnEndImpl() override {
    owner_.checkIfBound();
    event_free(event_);
  }
  void schedule() override {
    owner_.checkIfBound();
    if (scheduled_) return;
    scheduled_ = true;
    event_active(event_, EV_TIMEOUT, 0);  // goes to the end of the queue of active events
  }

 private:
  const ThreadOwner& owner_;
  std::function<void()> callback_;
  ::event* event_;
  bool scheduled_ = false;
};

struct Dispatcher::Loop {
  ::event_base* base = createBase();
  ::event* post = nullptr;
  ::event* deferred = nullptr;
  ::event* timer = nullptr;  // for the earliest of all timers
  ~Loop() {
    event_free(timer);
    event_free(deferred);
    event_free(post);
    event_base_free(base);
  }
};

Dispatcher::Dispatcher() : loop_(std::make_unique<Loop>()) {
  wakeFd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  PP_ASSERT(wakeFd_ >= 0);
  loop_->post = event_new(
      loop_->base, wakeFd_, EV_READ | EV_PERSIST,
      [](evutil_socket_t, short, void* self) { static_cast<Dispatcher*>(self)->runPosted(); }, this);
  loop_->deferred = event_new(
      loop_->base, -1, 0, [](evutil_socket_t, short, void* self) { static_cast<Dispatcher*>(self)->clearDeferred(); },
      this);
  loop_->timer = evtimer_new(
      loop_->base, [](evutil_socket_t, short, void* self) { static_cast<Dispatcher*>(self)->runTimers(); }, this);
  PP_ASSERT(loop_->post != nullptr && loop_->deferred != nullptr && loop_->timer != nullptr);
  PP_ASSERT(event_add(loop_->post, nullptr) == 0);
}

Dispatcher::~Dispatcher() {
  clearDeferred();
  lagTimer_.reset();
  {
    // What a posted function holds may itself own timers: it goes before the base does.
    std::vector<std::function<void()>> dropped;
    const MutexLock lock(postMutex_);
    dropped.swap(posted_);
  }
  loop_.reset();
  ::close(wakeFd_);
}

TimePoint Dispatcher::now() const { return Clock::now(); }

WallTime Dispatcher::wallNow() const { return std::chrono::system_clock::now(); }

std::unique_ptr<Timer> Dispatcher::createTimer(std::function<void()> callback) {
  owner_.checkIfBound();
  return std::make_unique<TimerImpl>(*this, std::move(callback));
}

void Dispatcher::arm(TimerImpl& timer, Duration delay) {
  owner_.checkIfBound();
  timers_.arm(timer, now() + std::max(delay, Duration::zero()));
  armLoopTimer();
}

// A timer that is disarmed or moved later leaves libevent's as it is: that fires once for nothing, and is armed anew.
void Dispatcher::armLoopTimer() {
  const TimePoint next = timers_.next();
  if (next >= loopTimerFor_) return;
  loopTimerFor_ = next;
  const timeval tv = toTimeval(next - now());
  PP_ASSERT(evtimer_add(loop_->timer, &tv) == 0);
}

void Dispatcher::runTimers() {
  loopTimerFor_ = TimePoint::max();
  timers_.run(now());
  armLoopTimer();
}

std::unique_ptr<FileEvent> Dispatcher::createFileEvent(int fd, std::function<void(uint32_t)> callback) {
  owner_.checkIfBound();
  return std::make_unique<FileEventImpl>(owner_, loop_->base, fd, std::move(callback));
}

std::unique_ptr<TurnEnd> Dispatcher::createTurnEnd(std::function<void()> callback) {
  owner_.checkIfBound();
  return std::make_unique<TurnEndImpl>(owner_, loop_->base, std::move(callback));
}

void Dispatcher::post(std::function<void()> callback) {
  bool wake;
  {
    const MutexLock lock(postMutex_);
    wake = posted_.empty();
    posted_.push_back(std::move(callback));
  }
  if (!wake) return;
  const uint64_t one = 1;
  // EAGAIN means the counter is full: the loop is woken anyway. EINTR cannot happen on a non-blocking eventfd.
  [[maybe_unused]] const ssize_t n = ::write(wakeFd_, &one, sizeof one);
}

void Dispatcher::runPosted() {
  uint64_t count;
  [[maybe_unused]] const ssize_t n = ::read(wakeFd_, &count, sizeof count);
  std::vector<std::function<void()>> callbacks;
  {
    const MutexLock lock(postMutex_);
    callbacks.swap(posted_);
  }
  for (auto& callback : callbacks) {
    callback();
    callback = nullptr;  // what it captured is freed in order, before the next one runs
  }
}

void Dispatcher::deferredDelete(std::unique_ptr<DeferredDeletable> object) {
  owner_.checkIfBound();
  if (!object) return;
  deferred_.push_back(std::move(object));
  if (deferred_.size() == 1 && !clearing_) event_active(loop_->deferred, EV_TIMEOUT, 0);
}

void Dispatcher::clearDeferred() {
  owner_.checkIfBound();
  clearing_ = true;
  while (!deferred_.empty()) {  // destructors may defer more
    std::vector<std::unique_ptr<DeferredDeletable>> batch;
    batch.swap(deferred_);
    for (auto& object : batch)
      object.reset();  // FIFO
  }
  clearing_ = false;
}

void Dispatcher::run() {
  owner_.checkIfBound();
  owner_.bind();
  runPosted();
  // libevent forgets a break that comes before its loop: exit() may have been posted before run().
  if (!exiting_) event_base_loop(loop_->base, EVLOOP_NO_EXIT_ON_EMPTY);
  exiting_ = false;
  clearDeferred();
  owner_.release();
}

void Dispatcher::exit() {
  post([this] {
    exiting_ = true;
    event_base_loopbreak(loop_->base);
  });
}

void Dispatcher::measureLag(Duration interval, std::function<void(Duration)> onLag) {
  lagTimer_ = createTimer([this, interval, onLag = std::move(onLag)] {
    onLag(std::max(now() - lagExpected_, Duration::zero()));
    lagExpected_ = now() + interval;
    lagTimer_->enable(interval);
  });
  lagExpected_ = now() + interval;
  lagTimer_->enable(interval);
}

}  // namespace peerpulse::event
