// Transition: one change of a peer's verdict or circuit, with the evidence it rests on. It becomes one log
// line, one event of /events, and the wake-up of the workers.
#pragma once

#include <optional>

#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/time.h"
#include "peerpulse/health/circuit_table.h"

namespace peerpulse::health {

/// What the detector knew when it decided.
struct Evidence {
  Duration silence{};  ///< since anything was last heard from the peer
  /// Since its process last said something (bytes, an ACK of a PING; no kernel's word); nothing if it never did.
  std::optional<Duration> processSilence{};
  Duration lastAckReceived{};  ///< TCP_INFO: age of the kernel's last ACK on the probe connection
  uint32_t unacked = 0;        ///< TCP_INFO: segments unacknowledged
  uint32_t pingsOutstanding = 0;
  uint32_t confirmConnects = 0;      ///< fresh connections tried by the confirm stage
  uint32_t consecutiveFailures = 0;  ///< failed exchanges in a row
  Duration rtt{};                    ///< smoothed
  int error = 0;                     ///< errno of the deciding connect (ECONNREFUSED, ENETUNREACH, ...), or 0
};

struct Transition {
  PeerId peer{};
  CircuitWord from;
  CircuitWord to;
  TimePoint at;
  /// For dead: when the silence began to count, that is the last evidence of life. TimePoint(): nobody knows any more, and
  /// `evidence` says nothing either (server/reporter.h: what was dropped).
  TimePoint lastEvidence;
  Evidence evidence;
};

}  // namespace peerpulse::health
