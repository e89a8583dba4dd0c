// The metric families of design section 9, by subject. Each function appends to `out`.
#pragma once

#include <vector>

#include <prometheus/metric_family.h>

#include "peerpulse/stats/registry.h"
#include "peerpulse/stats/stats.h"

namespace peerpulse::stats {

using Families = std::vector<prometheus::MetricFamily>;

/// rustfs_peer_*: the names of the 2025 analysis.
void appendRustfsPeerFamilies(const Stats& stats, Families& out);
/// rustfs_upload_*.
void appendUploadFamilies(const UploadStats& uploads, Families& out);
/// peerpulse_*: verdict, circuit, transitions, probes.
void appendHealthFamilies(const Stats& stats, const RegistrySources& sources, Families& out);
/// peerpulse_guard_*.
void appendGuardFamilies(const Stats& stats, Families& out);
/// peerpulse_*: exchanges, pools, bytes.
void appendTrafficFamilies(const Stats& stats, Families& out);
/// peerpulse_latency_*.
void appendLatencyFamilies(const Stats& stats, Families& out);
/// peerpulse_governor_*.
void appendGovernorFamilies(const Stats& stats, Families& out);
/// peerpulse_fanout_* and rustfs_console_aggregation_*.
void appendFanoutFamilies(const Stats& stats, Families& out);
/// peerpulse_*: the process itself.
void appendProcessFamilies(const Stats& stats, const RegistrySources& sources, Families& out);

/// Calls `visit(name, PeerStats)` for each peer.
template <typename Visit>
void forEachPeer(const Stats& stats, Visit visit) {
  stats.forEachPeer([&](PeerId id, const std::string& name) { visit(name, stats.peer(id)); });
}

}  // namespace peerpulse::stats
