#include "families.h"

namespace peerpulse::stats {

namespace {

constexpr uint64_t kRefused = 1;  // guard::State

}  // namespace

void appendGuardFamilies(const Stats& stats, Families& out) {
  auto refused =
      Family::gauge("peerpulse_guard_refused", "1 while new connects to the peer are refused by this host.");
  auto refusals = Family::counter("peerpulse_guard_refusals_total", "Times that the guard began to refuse the peer.");
  auto sockets =
      Family::counter("peerpulse_guard_sockets_total",
                      "Sockets to or from the dead peer, of whatever process: destroyed; spared, because they "
                      "heard the peer more lately than the probes; failed to be found or destroyed.");
  auto withheld = Family::counter("peerpulse_guard_withheld_total",
                                  "Times that the peer was dead and the guard did nothing, by reason.");
  for (Family* family : {&refusals, &sockets, &withheld})
    out.detail(*family, {"peer"});
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    const GuardStats& guard = peer.guard;
    refused.add({{"peer", name}}, guard.state.get() == kRefused ? 1 : 0);
    refusals.add({{"peer", name}}, guard.refusals.get());
    sockets.add({{"peer", name}, {"what", "destroyed"}}, guard.destroyed.get());
    sockets.add({{"peer", name}, {"what", "spared"}}, guard.spared.get());
    sockets.add({{"peer", name}, {"what", "failed"}}, guard.failed.get());
    for (size_t why = 1; why < kWithheldNames.size(); ++why)
      withheld.add({{"peer", name}, {"reason", kWithheldNames[why]}}, guard.withheldBy[why].get());
  });
  auto repairs = Family::counter("peerpulse_guard_table_repairs_total",
                                 "Times that somebody else had changed the guard's table, and it was made anew.");
  repairs.add({}, stats.guardTableRepairs.get());
  auto errors = Family::counter("peerpulse_guard_table_errors_total",
                                "Times that the guard's table could not be made or renewed.");
  errors.add({}, stats.guardTableErrors.get());
  out.add({&refused, &refusals, &sockets, &withheld, &repairs, &errors});
}

}  // namespace peerpulse::stats
