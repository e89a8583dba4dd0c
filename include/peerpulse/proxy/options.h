// Options of the proxy (design sections 3 to 5). Filled by config/, immutable afterwards.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/guard/options.h"
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

/// Which exchanges leave a line in the log (`log.access`).
struct AccessLogOptions {
  enum class Mode : uint8_t {
    kAll,
    kNotable,  ///< those that failed, slow ones, and one in `sample` of the others
    kOff,
  };
  Mode mode = Mode::kAll;
  uint32_t sample = 1000;      ///< 0: none of the others
  Duration slow = seconds(1);  ///< the peer's answer, or a connection to it, took longer; 0: nothing is slow
  /// `log.query`: what is shown of a request's query, which may hold signatures and tokens.
  enum class Query : uint8_t { kMasked, kShown };
  Query query = Query::kMasked;
};

/// What stands behind a listener.
enum class Role : uint8_t {
  kPeer,  ///< another node
  kStore,  ///< this node's own store, for the peerpulses of other nodes (config::LinkOptions); no member of the cluster
};
/// "peer", "store".
const char* toString(Role role);

/// A peer and the listener that stands for it.
struct PeerOptions : upstream::PeerOptions {
  Role role = Role::kPeer;
  SocketAddress listen;  ///< family AF_UNSPEC if `mode` carries no traffic, or only `transparent` brings it
  net::TlsServerOptions tlsDownstream;
  /// What `tlsDownstream` was made into; null: the listener speaks plain text. Its files may change under it.
  net::TlsSlotRef tlsDownstreamContext;
  OnDead onDead = OnDead::kRespond;
  guard::Mode mode = guard::Mode::kProxyAndGuard;
  /// Connects of this host to `address` are turned to the transparent listener.
  bool transparent = false;
};

struct ProxyOptions : upstream::Options {
  std::vector<PeerOptions> peers;
  std::vector<Route> routes;
  /// Downstream connections idle for this long are closed.
  Duration downstreamIdleTimeout = seconds(60);
  /// When the process drains: how long a tunnel has to end by itself. Nobody knows when it would.
  Duration drainTunnels = milliseconds(500);
  /// From the first byte of a request to the end of its head.
  Duration headerTimeout = seconds(5);
  /// A client that takes nothing of its answer for so long loses it, and one that sends nothing more of a request that the peer
  /// waits for; zero: it never does. As long as MinIO's own --conn-read-deadline and --conn-write-deadline: a person who pauses
  /// a transfer pauses those of the stores between each other, too.
  Duration clientStall = seconds(600);
  /// What the traffic of the process may hold (MemoryLimit); 0: a quarter of what its cgroup, or the host, has.
  uint64_t memory = 0;
  /// Streams of one downstream h2 connection (SETTINGS_MAX_CONCURRENT_STREAMS, RFC 9113 5.1.2). No fewer than the store
  /// would take; each may hold some KiB.
  uint32_t maxConcurrentStreams = 256;
  /// Downstream connections per listener and worker.
  uint32_t maxDownstreamConnections = 10'000;
  AccessLogOptions accessLog;
};

}  // namespace peerpulse::proxy
