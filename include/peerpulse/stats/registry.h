// Registry: the Prometheus text exposition of Stats (design section 9), built at scrape time.
//
// Threading: text() from any thread; it reads relaxed atomics and calls the sources.
// Ownership: `stats` and what the sources refer to must outlive it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "peerpulse/base/peer_id.h"
#include "peerpulse/stats/peer_detail.h"
#include "peerpulse/stats/process_usage.h"
#include "peerpulse/stats/stats.h"

namespace peerpulse::stats {

/// A peer's verdict and circuit as label values. The views must be of static storage.
struct PeerState {
  std::string_view verdict;
  std::string_view circuit;
  bool overridden = false;  ///< an operator holds the circuit as it is
};

/// This node among all: what "quorum" means to the admin.
struct ClusterCounts {
  uint64_t size = 0;
  uint64_t quorum = 0;
  uint64_t online = 0;
};

/// One of our own limits, as configured.
struct OwnLimit {
  std::string_view name;  ///< of static storage
  uint64_t most = 0;
};

/// What the registry exports beside Stats. stats/ lies below health/ and knows no verdicts, so they come as
/// text.
struct RegistrySources {
  std::vector<std::string> verdicts;  ///< every value PeerState::verdict can have
  std::vector<std::string> circuits;  ///< every value PeerState::circuit can have
  std::function<PeerState(PeerId)> peerState;
  /// Every (to, reason) that Stats::countTransition() may be told: they are there from the start, at 0.
  std::vector<std::pair<std::string, std::string>> transitionKinds;
  PeerDetail detail = PeerDetail::kFull;
  ClusterCounts cluster;
  std::vector<OwnLimit> limits;
  std::vector<std::string> localStates;      ///< every value localHealth() can have
  std::function<std::string()> localHealth;  ///< the state of this host itself; optional
  std::function<uint64_t()> logLines;        ///< optional
  std::function<uint64_t()> logDropped;      ///< optional
  std::function<ProcessUsage()> usage;       ///< optional
  std::string version;
  std::string node;
};

class Registry {
 public:
  Registry(const Stats& stats, RegistrySources sources);

  /// Text format 0.0.4 ("text/plain; version=0.0.4").
  std::string text() const;

 private:
  const Stats& stats_;
  RegistrySources sources_;
};

}  // namespace peerpulse::stats
