// How far an exchange with a peer has come: what is said of one that ended early, and how long its steps took.
//
// Threading: values.
#pragma once

#include <cstdint>
#include <optional>

#include "peerpulse/base/time.h"

namespace peerpulse::upstream {

enum class Phase : uint8_t {
  kQueue,     ///< held for a verdict, for its turn, or between two tries
  kConnect,   ///< waits for a connection
  kRequest,   ///< the peer has not had all of the request
  kWait,      ///< the peer has all of it and has not answered
  kResponse,  ///< the answer has begun
  kTunnel,    ///< raw bytes both ways
  kRest,      ///< the peer's answer is complete; the client has not had all of it, or the request goes on
};
/// "queue", "connect", "request", "wait", "response", "tunnel", "rest".
const char* toString(Phase phase);

/// Of the last attempt; nothing where it did not come so far.
struct StepTimes {
  std::optional<Duration> connect;  ///< from wanting a connection to having one
  /// From the request's last byte to the head of the answer: neither sizes nor the client's pace count.
  std::optional<Duration> wait;
};

}  // namespace peerpulse::upstream
