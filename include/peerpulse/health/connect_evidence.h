// What the outcome of one connect() proves about a peer (design section 3).
#pragma once

#include <cstdint>

namespace peerpulse::health {

enum class ConnectEvidence : uint8_t {
  kAlive,    ///< SYN-ACK, or any other answer: its kernel runs
  kRefused,  ///< RST to the SYN: its kernel runs, its process does not
  kSilence,  ///< unreachable or timed out: nothing was heard from the peer
  kLocal,    ///< no descriptor, port or memory here: says nothing about the peer
};

/// `error` is 0, the errno value of the connect, or a TlsFailure.
ConnectEvidence classifyConnect(int error);

}  // namespace peerpulse::health
