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

const char* toString(LinkMode mode) {
  switch (mode) {
    case LinkMode::kOff: return "off";
    case LinkMode::kRequire: return "require";
    case LinkMode::kPrefer: return "prefer";
  }
  return "?";
}

PeerOptions byLink(const PeerOptions& options) {
  PeerOptions linked = options;
  linked.address = options.link.address;
  linked.protocol = Protocol::kHttp2;
  linked.tunnelsByHttp1 = true;
  linked.tls = options.link.tls;
  linked.tlsContext = options.link.tlsContext;
  return linked;
}

}  // namespace peerpulse::upstream
