// HookRun: one process from its start to the end of its last descendant.
//
//   running -- timeout --> terminating (SIGTERM) -- kKillAfter --> killed (SIGKILL)
//      |                        |                                     |
//      +------------------------+-------------- it ended -------------+--> ended
//
// One that is to be stopped is killed without the question before. If even that does not end it (it hangs in the kernel, on a
// disk that is gone), it is left alone then; nobody waits for it for ever.
//
// When the process has ended, what is left of its group is killed before its number is given back, so that no signal can
// reach a stranger.
//
// Threading: the runner's thread. Ownership: the runner's; destroyed by deferred deletion, after onEnd.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "child.h"
#include "peerpulse/event/dispatcher.h"

namespace peerpulse::hooks {

struct HookResult {
  enum class How : uint8_t { kExited, kTimedOut, kStopped };
  How how = How::kExited;
  int exitStatus = 0;
  int signal = 0;  ///< that ended it; 0: none did
  Duration took{};
  std::string output;  ///< its first bytes
  uint64_t outputLeftOut = 0;

  bool succeeded() const { return how == How::kExited && exitStatus == 0 && signal == 0; }
};

class HookRun : public event::DeferredDeletable {
 public:
  /// `onEnd` is called once.
  HookRun(event::Dispatcher& dispatcher, Child child, std::string input, Duration timeout,
          std::function<void(const HookResult&)> onEnd);
  ~HookRun() override;

  /// It has no more than this left.
  void stopWithin(Duration grace);

  static constexpr size_t kKeptOutput = 4096;
  static constexpr Duration kKillAfter = seconds(1);

 private:
  enum class State : uint8_t { kRunning, kTerminating, kKilled, kEnded };
  static bool mayFollow(State from, State to);
  void to(State next);

  void onInputWritable();
  void onOutputReadable();
  void onTimer();
  void onExit();
  void reap();
  void end();
  void signalGroup(int signal);

  event::Dispatcher& dispatcher_;
  Child child_;
  const std::string input_;
  const std::function<void(const HookResult&)> onEnd_;
  const TimePoint started_;
  size_t written_ = 0;
  State state_ = State::kRunning;
  bool toBeStopped_ = false;
  HookResult result_;
  std::unique_ptr<event::FileEvent> inputEvent_;
  std::unique_ptr<event::FileEvent> outputEvent_;
  std::unique_ptr<event::FileEvent> exitEvent_;
  std::unique_ptr<event::Timer> timer_;
};

}  // namespace peerpulse::hooks
