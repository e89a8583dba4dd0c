#include "families.h"

namespace peerpulse::stats {

// Of classes that were used; percentiles cannot be summed.
void appendLatencyFamilies(const Stats& stats, Families& out) {
  auto latency = Family::gauge("peerpulse_latency_seconds",
                               "From a request that was wholly sent to the head of its answer: percentiles over "
                               "timing.window; an exchange that timed out counts as at least as long.");
  auto samples = Family::gauge("peerpulse_latency_samples", "Exchanges in that window.");
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    if (out.essential()) return;
    for (size_t i = 0; i < kClassNames.size(); ++i) {
      const LatencyWindow::Snapshot window = peer.latency[i].snapshot();
      if (window.samples() == 0) continue;
      const std::string_view className = kClassNames[i];
      samples.add({{"peer", name}, {"class", className}}, window.samples());
      latency.addFraction({{"peer", name}, {"class", className}, {"quantile", "0.5"}},
                          toSeconds(window.percentile(50)));
      latency.addFraction({{"peer", name}, {"class", className}, {"quantile", "0.99"}},
                          toSeconds(window.percentile(99)));
    }
  });
  out.add(latency);
  out.add(samples);
}

}  // namespace peerpulse::stats
