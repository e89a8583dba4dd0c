#include "peerpulse/upstream/options.h"

#include "peerpulse/stats/peer_stats.h"

namespace peerpulse::upstream {

const char* toString(TrafficClass trafficClass) {
  static_assert(stats::kClassNames.size() == kTrafficClasses);
  return stats::kClassNames[static_cast<size_t>(trafficClass)];
}

const char* toString(Protocol protocol) {
  switch (protocol) {
    case Protocol::kAuto: return "auto";
    case Protocol::kHttp1: return "http1";
    case Protocol::kHttp2: return "http2";
  }
  return "?";
}

std::string tlsServerName(const PeerOptions& peer) {
  if (!peer.tls.serverName.empty() || !peer.address.isName()) return peer.tls.serverName;
  std::string name = peer.address.name();
  if (name.ends_with('.')) name.pop_back();  // a certificate has none (RFC 6125 6.4)
  return name;
}

}  // namespace peerpulse::upstream
