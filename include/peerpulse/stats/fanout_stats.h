// FanoutStats: how the operations of the fan-out API fare, and their legs.
//
// Threading: as PeerStats: any thread adds, relaxed.
#pragma once

#include <array>
#include <cstdint>

#include "peerpulse/stats/histogram.h"
#include "peerpulse/stats/peer_stats.h"

namespace peerpulse::stats {

/// The words of fanout::Operation, in its order.
inline constexpr std::array<const char*, 4> kFanoutOperations = {"quorum", "aggregate", "notify", "erasure"};
/// Those of fanout::Outcome.
inline constexpr std::array<const char*, 4> kFanoutOutcomes = {"ok", "partial", "failed", "abandoned"};

/// What became of a request that was sent because another one was late (fanout::hedgeWord()).
inline constexpr std::array<const char*, 3> kHedgeResults = {"won", "lost", "failed"};

inline constexpr std::array<double, 14> kFanoutBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                         0.1,    0.25,  0.5,    1,     2.5,  5,     10};

struct FanoutOperationStats {
  Histogram duration{kFanoutBounds};  ///< until the answer
  std::array<Value, kFanoutOutcomes.size()> outcomes;
  ByLegState legs;  ///< that have ended
  std::array<Value, kHedgeResults.size()> hedges;
  Value hedgesOverBudget;  ///< not sent: the peer's retry budget was used up
};

struct FanoutStats {
  std::array<FanoutOperationStats, kFanoutOperations.size()> operations;
  ByLegState fallbacks;     ///< chunks tried on another disk, by how the attempt before ended
  Value running;            ///< now, those in the background included
  Value refusedOperations;  ///< 503: as many were under way as may be
  Value refusedMemory;      ///< 503: no room for the body
};

}  // namespace peerpulse::stats
