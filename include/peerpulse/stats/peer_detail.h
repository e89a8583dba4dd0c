// PeerDetail: how much of a scrape is told peer by peer. What is not is told as one sum, without the label of the peer, so
// that every family is there whatever the detail, and queries that sum over peers need not know it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace peerpulse::stats {

enum class PeerDetail : uint8_t {
  kAuto,          ///< kFull for up to kFullPeers peers, kEssential for more
  kFull,          ///< everything
  kNoHistograms,  ///< everything but histograms
  kEssential,     ///< what alerts are made of: verdict, circuit, connections, exchanges, failures, bytes
};

/// Beyond, "auto" means kEssential: what a scrape weighs grows with the peers, and in full detail that is 20 kB for each.
inline constexpr size_t kFullPeers = 16;

inline PeerDetail effectiveDetail(PeerDetail wanted, size_t peers) {
  if (wanted != PeerDetail::kAuto) return wanted;
  return peers <= kFullPeers ? PeerDetail::kFull : PeerDetail::kEssential;
}

}  // namespace peerpulse::stats
