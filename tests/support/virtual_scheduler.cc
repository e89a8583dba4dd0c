#include "virtual_scheduler.h"

#include <algorithm>
#include <utility>

#include "peerpulse/base/assert.h"

namespace peerpulse::test {

namespace {

// A turn that runs more than this feeds itself and would never end.
constexpr size_t kMaxActivities = 10'000'000;
// When virtual time began.
constexpr WallTime kWallStart = WallTime() + seconds(1'800'000'000);

}  // namespace

class VirtualScheduler::TimerImpl final : public event::Timer, public event::TimerHeap::Entry {
 public:
  TimerImpl(VirtualScheduler& scheduler, std::function<void()> callback)
      : scheduler_(scheduler), callback_(std::move(callback)) {}
  void enable(Duration delay) override {
    scheduler_.timers_.arm(*this, scheduler_.now() + std::max(delay, Duration::zero()));
  }
  void disable() override { scheduler_.timers_.remove(*this); }
  bool enabled() const override { return armed(); }
  void onDue() override { callback_(); }

 private:
  VirtualScheduler& scheduler_;
  std::function<void()> callback_;
};

class VirtualScheduler::TurnEndImpl final : public event::TurnEnd, public Activity {
 public:
  TurnEndImpl(VirtualScheduler& scheduler, std::function<void()> callback)
      : scheduler_(scheduler), callback_(std::move(callback)) {}
  void schedule() override { scheduler_.activate(*this); }
  void run() override { callback_(); }

 private:
  VirtualScheduler& scheduler_;
  std::function<void()> callback_;
};

class VirtualScheduler::Posted final : public Source {
 public:
  explicit Posted(VirtualScheduler& scheduler) : Source(scheduler) { watch(1); }

 private:
  uint32_t holds() const override { return scheduler_.posted_.empty() ? 0 : 1; }
  void onReady(uint32_t) override { scheduler_.runPosted(); }
};

void VirtualScheduler::Source::watch(uint32_t events) {
  if (events == watched_) return;
  watched_ = events;
  ActiveNode::unlink();
  wake();
}

void VirtualScheduler::Source::wake() {
  if (!ReadyNode::linked() && due() != 0) scheduler_.ready_.pushBack(*this);
}

VirtualScheduler::VirtualScheduler(VirtualTime& time)
    : Participant(time, VirtualTime::Rank::kLoop),
      timersDue_(*this, &VirtualScheduler::runTimers),
      deferredDue_(*this, &VirtualScheduler::clearDeferred),
      postedSource_(std::make_unique<Posted>(*this)) {}

VirtualScheduler::~VirtualScheduler() {
  clearDeferred();
  // What a posted function holds may itself own timers: it goes before the timers' heap does.
  std::vector<std::function<void()>> dropped;
  dropped.swap(posted_);
}

WallTime VirtualScheduler::wallNow() const { return kWallStart + (now() - TimePoint()); }

std::unique_ptr<event::Timer> VirtualScheduler::createTimer(std::function<void()> callback) {
  return std::make_unique<TimerImpl>(*this, std::move(callback));
}

std::unique_ptr<event::TurnEnd> VirtualScheduler::createTurnEnd(std::function<void()> callback) {
  return std::make_unique<TurnEndImpl>(*this, std::move(callback));
}

void VirtualScheduler::activate(Activity& activity) {
  if (!activity.linked()) active_.pushBack(activity);
}

void VirtualScheduler::post(std::function<void()> callback) {
  posted_.push_back(std::move(callback));
  postedSource_->wake();
}

void VirtualScheduler::runPosted() {
  running_.swap(posted_);
  for (auto& callback : running_) {
    callback();
    callback = nullptr;  // what it captured is freed in order, before the next one runs
  }
  running_.clear();
}

void VirtualScheduler::deferredDelete(std::unique_ptr<event::DeferredDeletable> object) {
  if (!object) return;
  deferred_.push_back(std::move(object));
  if (!clearing_) activate(deferredDue_);
}

void VirtualScheduler::clearDeferred() {
  clearing_ = true;
  while (!deferred_.empty()) {  // destructors may defer more
    dying_.swap(deferred_);
    for (auto& object : dying_)
      object.reset();
    dying_.clear();
  }
  clearing_ = false;
}

TimePoint VirtualScheduler::nextEvent() {
  while (!ready_.empty() && ready_.front().due() == 0)
    ready_.front().ReadyNode::unlink();
  const TimePoint due = active_.empty() && ready_.empty() ? timers_.next() : now();
  return std::max(due, blockedUntil_);
}

// epoll_wait(): what is level-triggered goes to the end of the ready list at once, and leaves it the next time if it no
// longer holds.
void VirtualScheduler::poll() {
  for (size_t count = ready_.size(); count > 0; --count) {
    Source& source = ready_.front();
    source.ReadyNode::unlink();
    const uint32_t events = source.due();
    if (events == 0) continue;
    ready_.pushBack(source);
    source.reported_ = events;
    activate(source);
  }
  if (timers_.next() <= now()) activate(timersDue_);
}

void VirtualScheduler::runTurn() {
  PP_ASSERT(!inTurn_);
  inTurn_ = true;
  poll();
  for (size_t ran = 0; !active_.empty(); ++ran) {
    PP_ASSERT(ran < kMaxActivities);
    Activity& next = active_.front();
    next.unlink();
    next.run();
  }
  inTurn_ = false;
  if (turnCost_ > Duration::zero()) blockedUntil_ = std::max(blockedUntil_, now() + turnCost_);
}

}  // namespace peerpulse::test
