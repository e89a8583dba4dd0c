// PeerProtocol: what the prober has learnt of the protocol a peer speaks on its plain-text port. The workers go by it
// where the configuration says `auto`.
#pragma once

#include <cstdint>

namespace peerpulse::health {

enum class PeerProtocol : uint8_t {
  kUnknown,
  kHttp1,  ///< it answered the HTTP/2 preface in something else
  kHttp2,  ///< it acknowledged a PING
};

/// "unknown", "http1", "http2".
const char* toString(PeerProtocol protocol);

}  // namespace peerpulse::health
