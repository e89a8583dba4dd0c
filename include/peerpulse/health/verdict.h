// The words of failure detection (design section 3), the same in code, configuration, metrics and admin.
#pragma once

#include <cstdint>

namespace peerpulse::health {

/// The detector's opinion of a peer.
enum class Verdict : uint8_t {
  kUnknown,   ///< no evidence yet (start-up)
  kAlive,     ///< recent evidence of life
  kSuspect,   ///< silence on every connection for longer than S
  kDead,      ///< suspect, and the kernel is silent too
  kRefusing,  ///< SYN answered by RST: host up, process gone
  kStalled,   ///< the kernel acknowledges, the process answers nothing
};

/// The per-peer gate. Closed = traffic flows.
enum class CircuitState : uint8_t { kClosed, kOpen, kHalfOpen };

/// Why the circuit is as it is.
enum class Reason : uint8_t {
  kNone,
  kStartup,          ///< no verdict yet
  kProbeAck,         ///< evidence of life
  kProbeSilence,     ///< verdict dead
  kConnectRefused,   ///< verdict refusing
  kProcessStalled,   ///< verdict stalled for stall_open_after
  kFlapping,         ///< alive again, but out too often of late: not trusted yet
  kRequestFailures,  ///< failure_threshold failed exchanges in a row
  kOperator,         ///< POST /peers/<name>/circuit
  kRemoved,          ///< no longer in the configuration
};

/// "unknown", "alive", "suspect", "dead", "refusing", "stalled".
const char* toString(Verdict verdict);
/// "closed", "open", "half_open".
const char* toString(CircuitState state);
/// "probe_silence", "connect_refused", ...
const char* toString(Reason reason);

}  // namespace peerpulse::health
