// GovernorWatcher: who is told that a peer has become so slow that exchanges are refused, or would be, and that it is over.
//
// Threading: called on the worker's thread. Not often: once, and once again at the end, for each time that a governor limits.
#pragma once

#include <cstdint>

#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/time.h"
#include "peerpulse/upstream/options.h"

namespace peerpulse::upstream {

struct GovernorReport {
  PeerId peer{};
  TrafficClass trafficClass{};
  bool enforced = false;
  uint32_t limit = 0;     ///< of this worker; 0 at the end
  uint32_t inFlight = 0;  ///< of this worker
  Duration latency{};     ///< median of the last look
  Duration baseline{};
  uint64_t refused = 0;  ///< at the end: since the beginning
};

class GovernorWatcher {
 public:
  virtual ~GovernorWatcher() = default;
  /// The first that is refused.
  virtual void onSlowPeer(const GovernorReport& report) = 0;
  /// It was told that the peer is slow; the limit is gone.
  virtual void onSlowPeerOver(const GovernorReport& report) = 0;
};

}  // namespace peerpulse::upstream
