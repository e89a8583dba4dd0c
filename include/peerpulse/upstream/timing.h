// Timing: what "auto" stands for where a timeout or a hedge's delay can be configured: it follows the peer's own latency.
//
//   timeout = factor x p99 of the window, or of the last few answers if that is more; or, if that is more, twice what was last
//             waited in vain, for one window (RFC 6298, 5.5: back off): what is slow by nature among many quick ones, and shows
//             in no percentile, is answered when it is tried again; from floor to ceiling
//   hedge   = a percentile of the window (95: so that about one request in twenty is asked twice, which the retry budget of 10 %
//             can pay for; Dean and Barroso, The Tail at Scale, 2013)
//
// Nothing before `samples` exchanges: what was configured, or the default, holds.
// The timeout cannot feed on itself: what it cuts off counts as at least as long as it was (stats/latency_window.h), so it
// never shrinks by its own doing, and follows a peer that has become slower by the factor for every few exchanges.
//
// Threading: pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "peerpulse/base/time.h"
#include "peerpulse/stats/latency_window.h"

namespace peerpulse::upstream {

struct TimingOptions {
  /// How long the exchanges of a busy peer count.
  Duration window = std::chrono::minutes(1);
  /// Exchanges before anything follows from them.
  uint32_t samples = 50;
  uint32_t factor = 3;
  /// No timeout is shorter. The default survives one retransmission of the kernel (200 ms).
  Duration floor = milliseconds(250);
  Duration ceiling = seconds(10);
  uint32_t hedgePercentile = 95;
};

/// Below it there is nothing to win: timers, turns of the loop and a connect are as long.
inline constexpr Duration kLeastHedgeDelay = milliseconds(1);

/// Requires floor <= ceiling.
std::optional<Duration> autoTimeout(const stats::LatencyWindow::Snapshot& window, const TimingOptions& options,
                                    TimePoint now);
std::optional<Duration> autoHedgeDelay(const stats::LatencyWindow::Snapshot& window, const TimingOptions& options);

}  // namespace peerpulse::upstream
