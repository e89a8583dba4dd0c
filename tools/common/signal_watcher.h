// SignalWatcher: SIGTERM and SIGINT as a callback on an event loop (signalfd).
//
// Threading: make it on the main thread before any other thread starts (it blocks the signals for them too);
//   the callback runs on the dispatcher's thread.
#pragma once

#include <functional>
#include <memory>

#include "peerpulse/base/fd.h"
#include "peerpulse/base/result.h"
#include "peerpulse/event/dispatcher.h"

namespace peerpulse::tools {

class SignalWatcher {
 public:
  /// Also ignores SIGPIPE and SIGXFSZ, so that they arrive as EPIPE and EFBIG.
  static Result<std::unique_ptr<SignalWatcher>> create(event::Dispatcher& dispatcher,
                                                       std::function<void(int signal)> onSignal);

 private:
  SignalWatcher(event::Dispatcher& dispatcher, Fd fd, std::function<void(int)> onSignal);
  void onReadable();

  Fd fd_;
  std::function<void(int)> onSignal_;
  std::unique_ptr<event::FileEvent> event_;
};

}  // namespace peerpulse::tools
