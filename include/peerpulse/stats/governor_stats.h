// GovernorStats: what the governors of one peer and class refuse, and what they know of its latency.
//
// Threading: as PeerStats. Gauges are the sums over the workers, as of their last look (a second ago at the most).
#pragma once

#include <array>
#include <cstddef>

#include "peerpulse/stats/value.h"

namespace peerpulse::stats {

/// The words of upstream::TrafficClass, without "stream", whose latency is its own affair.
inline constexpr std::array<const char*, 2> kGovernedClasses = {"control", "bulk"};

struct GovernorStats {
  Value shed;            ///< exchanges refused
  Value wouldShed;       ///< that would have been, were the mode "enforce"
  Value limiting;        ///< workers that limit
  Value limit;           ///< of these
  Value inFlight;        ///< admitted, and without an answer's head
  Value knowing;         ///< workers that have a baseline
  Value baselineMicros;  ///< of these
  Value latencyMicros;   ///< of these
};

using GovernorsByClass = std::array<GovernorStats, kGovernedClasses.size()>;

}  // namespace peerpulse::stats
