#include "timing_json.h"

#include <optional>

#include "peerpulse/upstream/timing.h"

namespace peerpulse::admin {

namespace {

Json millis(std::optional<Duration> duration) { return duration ? Json(toMillis(*duration)) : Json(nullptr); }

}  // namespace

Json timingJson(const Context& context, const proxy::PeerOptions& peer) {
  const upstream::TimingOptions& options = context.snapshot->options.timing;
  const stats::PeerStats& s = context.sources.stats->peer(peer.id);
  Json classes = Json::object();
  for (size_t i = 0; i < stats::kClassNames.size(); ++i) {
    const stats::LatencyWindow::Snapshot window = s.latency[i].snapshot();
    if (window.samples() == 0) continue;
    classes[stats::kClassNames[i]] = {{"samples", window.samples()},
                                      {"p50_ms", toMillis(window.percentile(50))},
                                      {"p99_ms", toMillis(window.percentile(99))},
                                      {"timeout_ms", millis(upstream::autoTimeout(window, options, context.now))},
                                      {"hedge_ms", millis(upstream::autoHedgeDelay(window, options))}};
  }
  return classes;
}

}  // namespace peerpulse::admin
