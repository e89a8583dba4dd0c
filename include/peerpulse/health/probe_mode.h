// ProbeMode: the rungs of the probe ladder (design section 3), learned per peer and kept across reconnects.
#pragma once

#include <cstdint>

namespace peerpulse::health {

enum class ProbeMode : uint8_t {
  kFastPing,  ///< an HTTP/2 PING every T
  kSlowPing,  ///< the peer polices PINGs: one every 10 s, and a TCP connect every T as the fast evidence
  kL4,        ///< no HTTP/2: a TCP connect every T
};

/// "fast_ping", "slow_ping", "l4".
const char* toString(ProbeMode mode);

}  // namespace peerpulse::health
