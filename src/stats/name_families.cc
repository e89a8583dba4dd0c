#include "families.h"

namespace peerpulse::stats {

// Of peers whose address is a literal there is no line, and where there are no others no family.
void appendNameFamilies(const Stats& stats, Families& out) {
  auto resolutions = Family::counter("peerpulse_dns_resolutions_total",
                                     "Rounds of questions for the name of a peer, by what came of them; all but ok "
                                     "leave the last good addresses in use.");
  auto addresses = Family::gauge("peerpulse_dns_addresses", "Addresses that the name of a peer leads to.");
  auto leftOut =
      Family::gauge("peerpulse_dns_addresses_unused", "Addresses beyond the number that is used of a peer.");
  auto changes = Family::counter("peerpulse_dns_changes_total", "Times that a peer's addresses became others.");
  auto goodAt = Family::gauge("peerpulse_dns_last_answer_timestamp_seconds",
                              "When DNS last gave an address of the peer (Unix time); 0: never.");
  out.detail(resolutions, {"peer"});
  bool any = false;
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    const NameStats& names = peer.names;
    if (names.named.get() == 0) return;
    any = true;
    for (size_t i = 0; i < kNameResults.size(); ++i)
      resolutions.add({{"peer", name}, {"result", kNameResults[i]}}, names.results[i].get());
    addresses.add({{"peer", name}}, names.addresses.get());
    leftOut.add({{"peer", name}}, names.leftOut.get());
    changes.add({{"peer", name}}, names.changes.get());
    goodAt.add({{"peer", name}}, names.goodAtSeconds.get());
  });
  if (any) out.add({&resolutions, &addresses, &leftOut, &changes, &goodAt});
}

}  // namespace peerpulse::stats
