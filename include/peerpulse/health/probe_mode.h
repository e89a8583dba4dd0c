// ProbeMode: the rungs of the probe ladder (design section 3), learned per peer and kept across reconnects; and by what
// means its host and its process are asked there.
#pragma once

#include <cstdint>

namespace peerpulse::health {

enum class ProbeMode : uint8_t {
  kFastPing,  ///< an HTTP/2 PING every T
  kSlowPing,  ///< the peer polices PINGs: one every 10 s, and host probes as the fast evidence
  kL4,        ///< no HTTP/2: host probes, and what its process answers
};

/// What is sent every T, and shows that the peer's host lives.
enum class HostMeans : uint8_t {
  kPing,     ///< the PINGs' own segments
  kEcho,     ///< ICMP echo requests
  kConnect,  ///< TCP connects: the last resort
};
/// What the peer's process is asked.
enum class ProcessMeans : uint8_t {
  kPing,     ///< PINGs
  kRequest,  ///< one HTTP/1.1 request per process interval, on a kept connection
  kConnect,  ///< TCP connects: whether it accepts them. A single one is answered by its kernel
};

/// How one peer is probed.
struct Rungs {
  ProbeMode mode{};
  HostMeans host{};
  ProcessMeans process{};
  bool operator==(const Rungs&) const = default;
};

/// "fast_ping", "slow_ping", "l4".
const char* toString(ProbeMode mode);
/// "ping", "icmp", "connect".
const char* toString(HostMeans means);
/// "ping", "request", "connect".
const char* toString(ProcessMeans means);

}  // namespace peerpulse::health
