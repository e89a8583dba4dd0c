// ClientLoop: what one event loop of clients shares, and the end by signal.
//
// Threading: one thread.
// Ownership: requests and peer clients made on it must die before it.
#pragma once

#include <functional>
#include <memory>

#include "common/signal_watcher.h"
#include "peerpulse/net/plain_transport.h"
#include "peerpulse/wire/io_context.h"

namespace peerpulse::bench {

class ClientLoop {
 public:
  /// SIGTERM and SIGINT call `onSignal`. Before any other thread starts.
  Result<void> watchSignals(std::function<void()> onSignal) {
    auto signals = tools::SignalWatcher::create(dispatcher_, [onSignal = std::move(onSignal)](int) { onSignal(); });
    if (!signals) return signals.error();
    signals_ = std::move(*signals);
    return {};
  }

  event::Dispatcher& dispatcher() { return dispatcher_; }
  wire::IoContext& io() { return io_; }

 private:
  event::Dispatcher dispatcher_;
  net::PlainConnector connector_{dispatcher_};
  wire::IoContext io_{dispatcher_, connector_};
  std::unique_ptr<tools::SignalWatcher> signals_;
};

/// CLOCK_MONOTONIC, as peerpulse's events and Python's time.monotonic_ns() give it.
inline int64_t monotonicNanos(TimePoint at) {
  return std::chrono::duration_cast<nanoseconds>(at.time_since_epoch()).count();
}

}  // namespace peerpulse::bench
