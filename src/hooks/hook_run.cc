#include "hook_run.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "peerpulse/base/assert.h"

namespace peerpulse::hooks {

using event::FileEvent;

HookRun::HookRun(event::Dispatcher& dispatcher, Child child, std::string input, Duration timeout,
                 std::function<void(const HookResult&)> onEnd)
    : dispatcher_(dispatcher),
      child_(std::move(child)),
      input_(std::move(input)),
      onEnd_(std::move(onEnd)),
      started_(dispatcher.now()),
      inputEvent_(dispatcher.createFileEvent(child_.input.get(), [this](uint32_t) { onInputWritable(); })),
      outputEvent_(dispatcher.createFileEvent(child_.output.get(), [this](uint32_t) { onOutputReadable(); })),
      exitEvent_(dispatcher.createFileEvent(child_.handle.get(), [this](uint32_t) { onExit(); })),
      timer_(dispatcher.createTimer([this] { onTimer(); })) {
  inputEvent_->setEnabled(FileEvent::kWrite);
  outputEvent_->setEnabled(FileEvent::kRead);
  exitEvent_->setEnabled(FileEvent::kRead);
  timer_->enable(timeout);
}

HookRun::~HookRun() { PP_ASSERT(state_ == State::kEnded); }

bool HookRun::mayFollow(State from, State to) {
  switch (to) {
    case State::kRunning: return false;
    case State::kTerminating: return from == State::kRunning;
    case State::kKilled: return from == State::kRunning || from == State::kTerminating;
    case State::kEnded: return from != State::kEnded;
  }
  return false;
}

void HookRun::to(State next) {
  PP_ASSERT(mayFollow(state_, next));
  state_ = next;
}

// Who does not read its input has no need of it.
void HookRun::onInputWritable() {
  const ssize_t n = ::write(child_.input.get(), input_.data() + written_, input_.size() - written_);
  if (n > 0) written_ += static_cast<size_t>(n);
  const bool later = n < 0 && (errno == EAGAIN || errno == EINTR);
  if (written_ < input_.size() && (n > 0 || later)) return;
  inputEvent_->setEnabled(0);
  child_.input.reset();
}

void HookRun::onOutputReadable() {
  std::array<char, 16 * 1024> block;
  const ssize_t n = ::read(child_.output.get(), block.data(), block.size());
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    outputEvent_->setEnabled(0);  // it closed them; that is not its end
    return;
  }
  const size_t kept = std::min(static_cast<size_t>(n), kKeptOutput - result_.output.size());
  result_.output.append(block.data(), kept);
  result_.outputLeftOut += static_cast<size_t>(n) - kept;
}

void HookRun::onTimer() {
  switch (state_) {
    case State::kRunning:
      to(State::kTerminating);
      result_.how = HookResult::How::kTimedOut;
      signalGroup(SIGTERM);
      timer_->enable(kKillAfter);
      break;
    case State::kTerminating:
      to(State::kKilled);
      signalGroup(SIGKILL);
      timer_->enable(kKillAfter);
      break;
    case State::kKilled:
      if (toBeStopped_) end();
      break;
    case State::kEnded: break;
  }
}

void HookRun::stopWithin(Duration grace) {
  toBeStopped_ = true;
  if (state_ == State::kRunning) {
    to(State::kTerminating);
    result_.how = HookResult::How::kStopped;
  }
  timer_->enable(grace);
}

void HookRun::signalGroup(int signal) { (void)::kill(-child_.pid, signal); }  // ESRCH: it has just ended

void HookRun::onExit() {
  // What it had said before; a descendant that left the group may go on writing for ever.
  for (size_t before = kKeptOutput; result_.output.size() != before && result_.output.size() < kKeptOutput;) {
    before = result_.output.size();
    onOutputReadable();
  }
  signalGroup(SIGKILL);
  reap();
  end();
}

void HookRun::reap() {
  int status = 0;
  while (::waitpid(child_.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) result_.exitStatus = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
  // It ended by itself while it was to be stopped: nothing was cut short.
  if (result_.how == HookResult::How::kStopped && result_.signal == 0) result_.how = HookResult::How::kExited;
}

void HookRun::end() {
  to(State::kEnded);
  for (const auto& event : {&inputEvent_, &outputEvent_, &exitEvent_})
    (*event)->setEnabled(0);
  timer_->disable();
  result_.took = dispatcher_.now() - started_;
  onEnd_(result_);
}

}  // namespace peerpulse::hooks
