// Names and labels as in the 2025 analysis, so that its queries and alerts work unchanged.
#include "families.h"

namespace peerpulse::stats {

void appendRustfsPeerFamilies(const Stats& stats, Families& out) {
  // Its alert "== 0 for 1m" means an unreachable peer: idle data connections and the probe's own count, or a
  // healthy peer without traffic would raise it.
  auto active = Family::gauge("rustfs_peer_connections_active",
                              "Open connections to the peer: data connections in use or idle, and the probe's.");
  auto failures = Family::counter("rustfs_peer_connection_failures_total", "Failed attempts to connect.");
  auto evictions =
      Family::counter("rustfs_peer_connection_evictions_total",
                      "Pooled connections closed as no longer good, those to a peer that died among them.");
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    active.add({{"peer_host", name}},
               peer.connectionsActive.get() + peer.connectionsIdle.get() + peer.probe.connected.get());
    failures.add({{"peer_host", name}}, peer.connectFailuresTotal.get());
    evictions.add({{"peer_host", name}}, peer.evictionsTotal.get());
  });
  auto duration = Family::histogram(
      "rustfs_peer_rpc_duration_seconds",
      "Duration of exchanges that were sent, or tried to be: what the circuit or a limit of ours refused is none.");
  auto timeouts =
      Family::counter("rustfs_peer_timeout_total", "Exchanges ended by a deadline that the peer let pass.");
  out.histogram(duration, {"peer_host"});
  out.detail(timeouts, {"operation"});
  stats.forEachPeer([&](PeerId id, const std::string& name) {
    for (size_t r = 0; r < stats.routeNames().size(); ++r) {
      const OperationStats& operation = stats.operation(id, r);
      const Labels labels = {{"peer_host", name}, {"operation", stats.routeNames()[r]}};
      duration.add(labels, operation.duration.snapshot());
      timeouts.add(labels, operation.timeouts.get());
    }
  });
  out.add({&active, &failures, &evictions, &duration, &timeouts});
}

void appendUploadFamilies(const UploadStats& uploads, Families& out) {
  auto duration = Family::histogram("rustfs_upload_duration_seconds", "Duration of successful uploads.");
  for (size_t i = 0; i < kUploadSizes; ++i) {
    duration.add({{"size_bucket", uploadSizeName(i)}}, uploads.duration[i].snapshot());
  }
  auto success = Family::counter("rustfs_upload_success_total", "Uploads the peer answered 2xx or 3xx.");
  success.add({}, uploads.success.get());
  auto failures = Family::counter("rustfs_upload_failures_total", "Failed uploads.");
  for (size_t i = 0; i < kUploadFailures; ++i) {
    failures.add({{"reason", toString(static_cast<UploadFailure>(i))}}, uploads.failures[i].get());
  }
  auto inProgress = Family::gauge("rustfs_upload_in_progress", "Uploads going on.");
  inProgress.add({}, uploads.inProgress.get());
  out.add({&duration, &success, &failures, &inProgress});
}

}  // namespace peerpulse::stats
