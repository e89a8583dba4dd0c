#include "peerpulse/hooks/hook_runner.h"

#include <algorithm>
#include <csignal>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

#include "hook_run.h"
#include "peerpulse/base/assert.h"
#include "peerpulse/log/log.h"
#include "pending_notices.h"

namespace peerpulse::hooks {

namespace {

/// `{"a":1}` as `"a":1`.
std::string_view membersOf(const std::string& object) {
  PP_ASSERT(object.size() > 2 && object.front() == '{' && object.back() == '}');
  return std::string_view(object).substr(1, object.size() - 2);
}

std::string inputFor(const PendingNotice& pending) {
  std::string text = "{";
  text += membersOf(pending.notice.document);
  text += ',';
  text += membersOf(pending.notice.context);
  return text + ",\"dropped\":" + std::to_string(pending.dropped) + "}\n";
}

/// What a service manager gave us ahead of others is for carrying and probing; programs inherit it from this thread.
void giveUpPrecedence() {
  const auto self = static_cast<id_t>(::gettid());
  if (::getpriority(PRIO_PROCESS, self) < 0)
    (void)::setpriority(PRIO_PROCESS, self, 0);  // lowering is always allowed
}

const char* wordFor(const HookResult& result) {
  switch (result.how) {
    case HookResult::How::kExited: return result.succeeded() ? "ok" : "failed";
    case HookResult::How::kTimedOut: return "timeout";
    case HookResult::How::kStopped: return "stopped";
  }
  return "?";
}

log::Fields fieldsFor(const Options& options, const PendingNotice& about, const char* result) {
  log::Fields fields;
  fields.add("program", options.command[0]).add("peer", about.notice.name).add("result", result);
  if (about.dropped > 0) fields.add("dropped", about.dropped);
  return fields;
}

void logResult(const Options& options, const PendingNotice& about, const HookResult& result) {
  log::Fields fields = fieldsFor(options, about, wordFor(result));
  if (result.signal != 0) {
    fields.add("signal", result.signal);
  } else {
    fields.add("exit_status", result.exitStatus);
  }
  fields.add("took_ms", toMillis(result.took));
  if (!result.output.empty()) fields.add("output", result.output);
  if (result.outputLeftOut > 0) fields.add("output_left_out", result.outputLeftOut);
  log::write(result.succeeded() ? log::Level::kInfo : log::Level::kWarn, "hook", fields);
}

}  // namespace

HookRunner::HookRunner(Options options, stats::HookStats& stats)
    : options_(std::move(options)), stats_(stats), pending_(std::make_unique<PendingNotices>()) {
  PP_ASSERT(!options_.command.empty());
}

HookRunner::~HookRunner() { stop(); }

void HookRunner::start() {
  PP_ASSERT(!thread_.joinable());
  thread_ = std::thread([this] { runThread(); });
  // The name is for people with a debugger or top; a failure changes nothing.
  (void)pthread_setname_np(thread_.native_handle(), "pp-hooks");
}

void HookRunner::runThread() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // a program that closes its stdin is an error of write(), no signal
  giveUpPrecedence();
  gapTimer_ = dispatcher_.createTimer([this] { next(); });
  dispatcher_.run();
  gapTimer_.reset();
  dispatcher_.clearDeferred();
}

void HookRunner::submit(Notice notice) {
  {
    const MutexLock lock(mutex_);
    if (pending_->put(std::move(notice))) stats_.dropped.add();
  }
  if (nextPosted_.exchange(true, std::memory_order_acq_rel)) return;
  dispatcher_.post([this] {
    nextPosted_.store(false, std::memory_order_release);
    next();
  });
}

void HookRunner::next() {
  if (run_ != nullptr || stopping_) return;
  std::optional<PendingNotice> about;
  TimePoint due;
  {
    const MutexLock lock(mutex_);
    about = pending_->take(dispatcher_.now());
    due = pending_->nextDue();
  }
  if (!about) {
    if (due != TimePoint::max()) gapTimer_->enable(std::max(due - dispatcher_.now(), Duration::zero()));
    return;
  }
  Result<Child> child = spawn(options_.command);
  if (!child) {
    stats_.notStarted.add();
    log::write(log::Level::kError, "hook",
               fieldsFor(options_, *about, "not_started").add("error", child.error().message));
    gapTimer_->enable(Duration::zero());  // the next one, in a turn of its own
    return;
  }
  stats_.running.set(1);
  run_ = std::make_unique<HookRun>(dispatcher_, std::move(*child), inputFor(*about), options_.timeout,
                                   [this, about = *about](const HookResult& result) {
                                     logResult(options_, about, result);
                                     onEnd(result);
                                   });
}

void HookRunner::onEnd(const HookResult& result) {
  stats_.running.set(0);
  stats::Value& counter = result.how == HookResult::How::kTimedOut ? stats_.timedOut
                          : result.succeeded()                     ? stats_.succeeded
                                                                   : stats_.failed;
  counter.add();
  dispatcher_.deferredDelete(std::move(run_));
  if (stopping_) {
    dispatcher_.exit();
  } else {
    gapTimer_->enable(Duration::zero());
  }
}

void HookRunner::beginStop() {
  stopping_ = true;
  size_t left = 0;
  {
    const MutexLock lock(mutex_);
    left = pending_->size();
    pending_->clear();
  }
  if (left > 0) {
    stats_.dropped.add(left);
    log::write(log::Level::kWarn, "hooks_dropped",
               log::Fields().add("program", options_.command[0]).add("count", uint64_t{left}));
  }
  if (run_ == nullptr) return dispatcher_.exit();
  run_->stopWithin(kStopGrace);
}

void HookRunner::stop() {
  if (!thread_.joinable()) return;
  dispatcher_.post([this] { beginStop(); });
  thread_.join();
}

}  // namespace peerpulse::hooks
