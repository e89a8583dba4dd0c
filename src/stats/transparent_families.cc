#include "families.h"

namespace peerpulse::stats {

namespace {

// transparent::Way
constexpr uint64_t kRedirectedWay = 1;
constexpr uint64_t kRefusedWay = 2;

}  // namespace

void appendTransparentFamilies(const Stats& stats, Families& out) {
  auto redirected =
      Family::gauge("peerpulse_transparent_redirected",
                    "1 while this host's new connects to the peer's own address come to the transparent listener.");
  auto refused = Family::gauge("peerpulse_transparent_refused",
                               "1 while this host answers its new connects to the peer's own address with RST.");
  auto connections =
      Family::counter("peerpulse_transparent_connections_total",
                      "Clients that connected to the peer's own address and came to the transparent listener.");
  for (Family* family : {&redirected, &refused, &connections})
    out.detail(*family, {"peer"});
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    redirected.add({{"peer", name}}, peer.transparent.way.get() == kRedirectedWay ? 1 : 0);
    refused.add({{"peer", name}}, peer.transparent.way.get() == kRefusedWay ? 1 : 0);
    connections.add({{"peer", name}}, peer.transparent.connections.get());
  });
  auto unknown = Family::counter(
      "peerpulse_transparent_unknown_destinations_total",
      "Clients of the transparent listener that had connected to no peer's address; they were reset.");
  unknown.add({}, stats.transparentUnknown.get());
  auto repairs =
      Family::counter("peerpulse_transparent_table_repairs_total",
                      "Times that somebody else had changed the table of transparent mode, and it was made anew.");
  repairs.add({}, stats.transparentTableRepairs.get());
  auto errors = Family::counter("peerpulse_transparent_table_errors_total",
                                "Times that the table of transparent mode could not be renewed.");
  errors.add({}, stats.transparentTableErrors.get());
  out.add({&redirected, &refused, &connections, &unknown, &repairs, &errors});
}

}  // namespace peerpulse::stats
