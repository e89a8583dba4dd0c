// Registry: the Prometheus text exposition of Stats (design section 9), built at scrape time.
//
// Threading: text() from any thread; it reads relaxed atomics and calls the sources.
// Ownership: `stats` and what the sources refer to must outlive it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "peerpulse/base/peer_id.h"
#include "peerpulse/stats/stats.h"

namespace peerpulse::stats {

/// A peer's verdict and circuit as label values. The views must be of static storage.
struct PeerState {
  std::string_view verdict;
  std::string_view circuit;
};

/// What the registry exports beside Stats. stats/ lies below health/ and knows no verdicts, so they come as
/// text.
struct RegistrySources {
  std::vector<std::string> verdicts;  ///< every value PeerState::verdict can have
  std::vector<std::string> circuits;  ///< every value PeerState::circuit can have
  std::function<PeerState(PeerId)> peerState;
  std::vector<std::string> localStates;      ///< every value localHealth() can have
  std::function<std::string()> localHealth;  ///< the state of this host itself; optional
  std::function<uint64_t()> logDropped;      ///< optional
  std::string version;
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
