// Options of carrying traffic to a peer: pools, timeouts, sockets (design section 5). Filled by config/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/time.h"

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
  /// Idle connections kept per worker, peer and class.
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
  Duration userTimeout = seconds(30);
};

}  // namespace peerpulse::upstream
