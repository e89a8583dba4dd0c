// The metric families of design section 9, by subject. Each function appends to `out`.
//
// Which labels of a family are told apart depends on the scrape's PeerDetail: what a function hands to detail() or
// histogram() loses these labels, and is summed, where that is less than full.
#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "family.h"
#include "peerpulse/stats/peer_detail.h"
#include "peerpulse/stats/registry.h"
#include "peerpulse/stats/stats.h"

namespace peerpulse::stats {

class Families {
 public:
  /// `detail`: not kAuto.
  explicit Families(PeerDetail detail)
      : essential_(detail == PeerDetail::kEssential), full_(detail == PeerDetail::kFull) {}

  /// For alerts nobody needs these labels.
  void detail(Family& family, std::initializer_list<std::string_view> labels) const {
    if (essential_) family.summingOver(labels);
  }
  /// Most of a scrape's bytes are histograms.
  void histogram(Family& family, std::initializer_list<std::string_view> labels) const {
    if (!full_) family.summingOver(labels);
  }
  /// What cannot be summed is left out.
  bool essential() const { return essential_; }

  void add(Family& family) { all_.push_back(family.take()); }
  void add(std::initializer_list<Family*> families) {
    for (Family* family : families)
      add(*family);
  }
  std::vector<prometheus::MetricFamily> take() { return std::move(all_); }

 private:
  const bool essential_;
  const bool full_;
  std::vector<prometheus::MetricFamily> all_;
};

/// rustfs_peer_*: the names of the 2025 analysis.
void appendRustfsPeerFamilies(const Stats& stats, Families& out);
/// rustfs_upload_*.
void appendUploadFamilies(const UploadStats& uploads, Families& out);
/// peerpulse_*: verdict, circuit, transitions, probes.
void appendHealthFamilies(const Stats& stats, const RegistrySources& sources, Families& out);
/// peerpulse_guard_*.
void appendGuardFamilies(const Stats& stats, Families& out);
/// peerpulse_tls_*.
void appendTlsFamilies(const Stats& stats, Families& out);
/// peerpulse_dns_*.
void appendNameFamilies(const Stats& stats, Families& out);
/// peerpulse_transparent_*.
void appendTransparentFamilies(const Stats& stats, Families& out);
void appendLinkFamilies(const Stats& stats, Families& out);
/// peerpulse_*: exchanges, pools, bytes.
void appendTrafficFamilies(const Stats& stats, Families& out);
/// peerpulse_latency_*.
void appendLatencyFamilies(const Stats& stats, Families& out);
/// peerpulse_governor_*.
void appendGovernorFamilies(const Stats& stats, Families& out);
/// peerpulse_fanout_* and rustfs_console_aggregation_*.
void appendFanoutFamilies(const Stats& stats, Families& out);
/// peerpulse_limit*: our own limits, and what they refused.
void appendLimitFamilies(const Stats& stats, const RegistrySources& sources, Families& out);
/// peerpulse_*, process_*: the process itself.
void appendProcessFamilies(const Stats& stats, const RegistrySources& sources, Families& out);

/// Calls `visit(name, PeerStats)` for each peer.
template <typename Visit>
void forEachPeer(const Stats& stats, Visit visit) {
  stats.forEachPeer([&](PeerId id, const std::string& name) { visit(name, stats.peer(id)); });
}

}  // namespace peerpulse::stats
