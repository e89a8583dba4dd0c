// Options of the proxy (design sections 3 to 5). Filled by config/, immutable afterwards.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/peer_id.h"
#include "peerpulse/health/probe_options.h"
#include "peerpulse/upstream/options.h"

namespace peerpulse::proxy {

/// The defaults for one kind of storage.
enum class Preset : uint8_t { kGeneric, kRustfs, kMinio, kSwift };
const char* toString(Preset preset);

/// How a dead peer is answered for (design section 4).
enum class OnDead : uint8_t {
  kRespond,  ///< the listener stays open: 503 + Proxy-Status, or gRPC status 14
  kRefuse,   ///< the listener refuses connections, downstream connections are reset
};
const char* toString(OnDead onDead);

/// Chooses an exchange's class; the first match of the list counts. Empty fields match everything.
struct Route {
  std::string name;  ///< the `operation` label of metrics
  std::string method;
  std::string pathPrefix;
  std::string contentTypePrefix;
  upstream::TrafficClass trafficClass = upstream::TrafficClass::kControl;
};

struct RetryOptions {
  uint32_t maxRetries = 3;
  Duration backoff = milliseconds(100);
  /// Share of exchanges that may be retries, in percent.
  uint32_t budgetPercent = 10;
  /// Whether a bodyless GET/HEAD/OPTIONS may be sent again once when a pooled connection died before any
  /// response byte. Off where requests are signed for single use.
  bool replayIdempotent = true;
};

struct PeerOptions {
  PeerId id{};
  std::string name;
  std::string zone;
  SocketAddress listen;
  SocketAddress address;
  OnDead onDead = OnDead::kRespond;
  upstream::Protocol protocol = upstream::Protocol::kAuto;
  health::ProbeOptions probe;
};

struct ProxyOptions {
  std::vector<PeerOptions> peers;
  std::vector<Route> routes;
  std::array<upstream::ClassTimeouts, upstream::kTrafficClasses> timeouts;  ///< by TrafficClass
  upstream::PoolOptions pool;
  upstream::TcpOptions tcp;
  RetryOptions retry;
  /// How long an exchange waits for the first verdict at start-up, or for a suspicion to resolve.
  Duration holdFor = milliseconds(100);
  /// Body bytes of one exchange and direction that may wait inside the process.
  uint64_t bufferLimit = 512 * 1024;
  /// Downstream connections idle for this long are closed.
  Duration downstreamIdleTimeout = seconds(60);
  /// From the first byte of a request to the end of its head.
  Duration headerTimeout = seconds(5);
  /// Downstream connections per listener and worker.
  uint32_t maxDownstreamConnections = 10'000;
  bool accessLog = true;
};

}  // namespace peerpulse::proxy
