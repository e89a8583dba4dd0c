// Signals: SIGTERM and SIGINT as events of the main loop. SIGPIPE is ignored.
//
// Threading: block() before any other thread exists, so that all threads inherit the mask.
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
