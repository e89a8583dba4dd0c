#include "peerpulse/upstream/timing.h"

#include <algorithm>

namespace peerpulse::upstream {

std::optional<Duration> autoTimeout(const stats::LatencyWindow::Snapshot& window, const TimingOptions& options,
                                    TimePoint now) {
  if (window.samples() < options.samples) return std::nullopt;
  const Duration backedOff = 2 * window.waitedInVain(now, options.window);
  return std::clamp<Duration>(std::max(window.high() * options.factor, backedOff), options.floor, options.ceiling);
}

std::optional<Duration> autoHedgeDelay(const stats::LatencyWindow::Snapshot& window, const TimingOptions& options) {
  if (window.samples() < options.samples) return std::nullopt;
  return std::max(window.percentile(options.hedgePercentile), kLeastHedgeDelay);
}

}  // namespace peerpulse::upstream
