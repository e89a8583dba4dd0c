#include "families.h"

namespace peerpulse::stats {

// Of peers with a link alone. The numbers are those of health::LinkState.
void appendLinkFamilies(const Stats& stats, Families& out) {
  constexpr uint64_t kUp = 1, kFallback = 2;
  auto up = Family::gauge("peerpulse_link_up", "Whether the peer is reached by the link to the peerpulse beside it.");
  auto direct = Family::gauge("peerpulse_link_fallback",
                              "Whether traffic goes to the peer's own address because its link is not there.");
  auto fallbacks =
      Family::counter("peerpulse_link_fallbacks_total", "Times that traffic was turned to the peer's own address.");
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    if (peer.link.mode.get() == 0) return;
    up.add({{"peer", name}}, peer.link.state.get() == kUp ? 1 : 0);
    direct.add({{"peer", name}}, peer.link.state.get() == kFallback ? 1 : 0);
    fallbacks.add({{"peer", name}}, peer.link.fallbacks.get());
  });
  out.add({&up, &direct, &fallbacks});
}

}  // namespace peerpulse::stats
