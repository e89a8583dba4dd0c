// Outcome: what one exchange told us about its peer. Workers record it, the passive circuit counts it.
#pragma once

#include <cstdint>

#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/time.h"

namespace peerpulse::health {

enum class Outcome : uint8_t {
  kSuccess,         ///< a response head arrived (5xx too, unless configured otherwise)
  kConnectFailure,  ///< refused, unreachable, timed out
  kReset,           ///< the connection or stream was reset before a response head
  kTimeout,         ///< our timeout or stall deadline
  kServerError,     ///< 5xx
};

struct OutcomeRecord {
  PeerId peer{};
  Outcome outcome{};
  /// The peer's generation when the exchange was admitted: late results of an older circuit are discarded.
  uint16_t generation = 0;
  TimePoint at;
};

/// Where workers report. Refusals of our own never come here.
/// Threading: any worker; never blocks; drops and counts when full.
class OutcomeSink {
 public:
  virtual ~OutcomeSink() = default;
  virtual void record(const OutcomeRecord& record) = 0;
};

}  // namespace peerpulse::health
