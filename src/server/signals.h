// Signals: what people and service managers send (SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2) as events of the main loop:
// none of them ends the process by surprise. SIGPIPE is ignored, SIGCHLD is as usual.
//
// Threading: block() as early as possible: who sends SIGHUP to a process that has just begun must not kill it; and
//   before any other thread exists, so that all threads inherit the mask. It stays: a signal at the end is not read any more.
#pragma once

#include <functional>
#include <memory>

#include "peerpulse/base/fd.h"
#include "peerpulse/base/result.h"
#include "peerpulse/event/dispatcher.h"

namespace peerpulse::server {

class Signals {
 public:
  static Result<void> block();

  /// `onSignal` gets the signal's number on the dispatcher's thread.
  Signals(event::Dispatcher& dispatcher, std::function<void(int)> onSignal);
  /// Errors of the set-up (out of descriptors).
  const Result<void>& status() const { return status_; }

 private:
  void onReadable();

  std::function<void(int)> onSignal_;
  Result<void> status_;
  Fd fd_;
  std::unique_ptr<event::FileEvent> event_;
};

}  // namespace peerpulse::server
