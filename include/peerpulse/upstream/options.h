// Options of carrying traffic to peers (design sections 3 to 5): who they are, pools, timeouts, retries, sockets. Filled by
// config/; immutable once shared.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "peerpulse/base/endpoint.h"
#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/time.h"
#include "peerpulse/health/probe_options.h"
#include "peerpulse/net/tls_context.h"
#include "peerpulse/upstream/governor_options.h"
#include "peerpulse/upstream/timing.h"

namespace peerpulse::upstream {

/// The timeout and pool class of an exchange. Classes never share a connection, so bulk data cannot delay a
/// small RPC.
enum class TrafficClass : uint8_t { kControl, kBulk, kStream };
inline constexpr size_t kTrafficClasses = 3;
/// "control", "bulk", "stream".
const char* toString(TrafficClass trafficClass);

/// Protocol spoken to the peer. `auto`: h2 in, h2 out; h1 in, h1 out.
enum class Protocol : uint8_t { kAuto, kHttp1, kHttp2 };
const char* toString(Protocol protocol);

/// Whether a peer is reached by the peerpulse beside it.
enum class LinkMode : uint8_t {
  kOff,
  kRequire,  ///< by that alone
  kPrefer,   ///< by the peer's own address while that is not there
};
/// "off", "require", "prefer".
const char* toString(LinkMode mode);

/// The link to the peerpulse beside a peer: TLS with certificates at both ends, HTTP/2 (tunnels: HTTP/1.1).
struct LinkOptions {
  LinkMode mode = LinkMode::kOff;
  SocketAddress address;
  net::TlsClientOptions tls;
  /// What `tls` was made into; null only while the mode is kOff.
  net::TlsSlotRef tlsContext;
  /// Of kPrefer: how often a link that was lost is tried again.
  Duration retry = seconds(10);
};

struct PeerOptions {
  PeerId id{};
  std::string name;
  std::string zone;
  Endpoint address;  ///< its own, with or without a link
  /// What connections and probes to it come from, by either way; family AF_UNSPEC: the kernel chooses.
  SocketAddress source;
  Protocol protocol = Protocol::kAuto;
  /// Upgrades of h1 clients go by HTTP/1.1 with kHttp2 as well, which makes extended CONNECTs (RFC 8441) of them otherwise.
  bool tunnelsByHttp1 = false;
  health::ProbeOptions probe;
  net::TlsClientOptions tls;
  /// What `tls` was made into; null: plain text. Its files may change under it.
  net::TlsSlotRef tlsContext;
  LinkOptions link;
};
/// What its certificate must name: as configured, else the name that is its address; empty: the address that is connected to.
std::string tlsServerName(const PeerOptions& peer);
/// The same for who reaches it by its link: address, protocol (tunnels: HTTP/1.1) and TLS are the link's.
PeerOptions byLink(const PeerOptions& options);
/// Pinned by whoever works with it: a reload makes a new one.
using PeerOptionsRef = std::shared_ptr<const PeerOptions>;

/// Zero durations mean "no such timeout".
struct ClassTimeouts {
  Duration connect = seconds(2);
  /// From the request's head to the response's head and, for control, its end.
  Duration request = seconds(10);
  /// No body byte moved in either direction.
  Duration stall = Duration::zero();
  /// With a known content-length: deadline = request + size / this many bytes per second. 0: none.
  uint64_t minBytesPerSecond = 0;
};

struct PoolOptions {
  /// Idle connections unused for this long are closed.
  Duration idleTimeout = seconds(30);
  /// Idle connections kept per worker, peer and class, of those that nobody needed for some seconds.
  uint32_t maxIdlePerPeer = 10;
  /// Connections per worker, peer and class; exchanges beyond wait.
  uint32_t maxConnections = 1024;
  /// Exchanges waiting for a connection; beyond that 503 connection_limit_reached.
  uint32_t maxPending = 4096;
  /// Streams per h2 connection, below what the peer allows.
  uint32_t maxStreamsPerConnection = 128;
};

struct TcpOptions {
  Duration keepaliveIdle = seconds(10);
  Duration keepaliveInterval = seconds(5);
  uint32_t keepaliveProbes = 3;
  /// TCP_USER_TIMEOUT; zero: none. It also ends connections whose peer's kernel acknowledges with a closed window,
  /// however alive that is.
  Duration userTimeout = Duration::zero();
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

struct Options {
  std::array<ClassTimeouts, kTrafficClasses> timeouts;  ///< by TrafficClass
  PoolOptions pool;
  TcpOptions tcp;
  RetryOptions retry;
  TimingOptions timing;
  GovernorOptions governor;
  /// How long an exchange waits for the first verdict at start-up, or for a suspicion to resolve.
  Duration holdFor = milliseconds(100);
  /// Body bytes of one exchange and direction that may wait inside the process.
  uint64_t bufferLimit = 512 * 1024;
  /// Fields of one message's header and trailer sections together. Stores take more than a hundred.
  uint32_t maxFields = 200;

  const ClassTimeouts& timeoutsOf(TrafficClass c) const { return timeouts[static_cast<size_t>(c)]; }
};
/// Each request pins what it began with.
using OptionsRef = std::shared_ptr<const Options>;

}  // namespace peerpulse::upstream
