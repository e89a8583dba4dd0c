#include "peerpulse/upstream/timing.h"

#include <algorithm>

namespace peerpulse::upstream {

std::optional<Duration> autoTimeout(const stats::LatencyWindow::Snapshot& window, const TimingOptions& options) {
  if (window.samples() < options.samples) return std::nullopt;
  return std::clamp<Duration>(window.high() * options.factor, options.floor, options.ceiling);
}

std::optional<Duration> autoHedgeDelay(const stats::LatencyWindow::Snapshot& window, const TimingOptions& options) {
  if (window.samples() < options.samples) return std::nullopt;
  return std::max(window.percentile(options.hedgePercentile), kLeastHedgeDelay);
}

}  // namespace peerpulse::upstream
