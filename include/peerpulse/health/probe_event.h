// What can happen to a peer's health, as its shell (probe/) reports it to PeerHealth.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "peerpulse/base/time.h"
#include "peerpulse/health/loss_estimator.h"
#include "peerpulse/health/outcome.h"
#include "peerpulse/health/rtt_estimator.h"

namespace peerpulse::health {

/// What our kernel knows of the probe connection (TCP_INFO).
struct KernelView {
  Duration lastAckReceived{};  ///< age of the last ACK; stepped by the kernel's tick (up to 10 ms)
  uint32_t unacked = 0;
  /// Smoothed round trip of segments and their ACKs, and its deviation; zero where not known. Process and kernel
  /// of the peer are apart: this is the kernel's.
  Duration rtt{};
  Duration rttVariation{};
  bool retransmitsQuickly = false;  ///< TCP_RTO_MIN_US is set
  SegmentCounters segments;         ///< of this connection so far; zeros where the kernel does not count them

  PathRtt path() const { return {rtt > Duration::zero(), rtt, rttVariation}; }
};

/// Time has passed. Give it at or after PeerHealth::nextDeadline().
struct Tick {
  /// When workers last received bytes from the peer; TimePoint() if never.
  TimePoint dataHeard;
  /// When its kernel last acknowledged something on a worker's connection, as far as workers looked.
  TimePoint dataKernelHeard;
  /// Given when PeerHealth::wantsKernelView() asked and the probe connection is open.
  std::optional<KernelView> kernel;
  /// Most peers are overdue (LocalHealth): it may be this host that is cut off.
  bool ownHostSuspect = false;
};

// Of the probe connection; one whose `epoch` is not the current one is ignored.
struct Reached {  ///< SYN-ACK, and TLS has its handshake to do: Connected or Closed follows
  uint32_t epoch = 0;
};
struct Connected {  ///< SYN-ACK, or after Reached the handshake's end
  uint32_t epoch = 0;
};
struct Received {  ///< any bytes
  uint32_t epoch = 0;
};
struct PingAcked {
  uint32_t epoch = 0;
  uint32_t sequence = 0;
};
struct GoneAway {
  uint32_t epoch = 0;
  bool enhanceYourCalm = false;
};
struct Closed {
  uint32_t epoch = 0;
  int error = 0;          ///< errno value or TlsFailure; 0: the peer closed in order (FIN)
  bool notHttp2 = false;  ///< what it sent was no HTTP/2
};
struct HealthAnswered {  ///< to a request
  uint32_t epoch = 0;
  int status = 0;  ///< 0: it broke off; Closed follows
};

/// The answer to an ICMP echo request.
struct EchoAnswered {
  uint32_t sequence = 0;
};
/// The last echo could not leave this host.
struct EchoUnsent {
  int error = 0;  ///< errno
};

/// What a fresh connection is opened for.
enum class ConnectPurpose : uint8_t {
  kProbe,    ///< the cadence of the lower rungs
  kConfirm,  ///< one of the K of the confirm stage
  kPatient,  ///< during an outage: may take a second, so that a path longer than expected is found out
  /// To ProbeOptions::confirmPort: any answer shows that the host lives, but nothing about the process.
  kHostCheck,
};

/// A fresh connection was answered, failed, or could not be tried.
struct ConnectResult {
  ConnectPurpose purpose{};
  int error = 0;       ///< 0: SYN-ACK; else an errno value
  Duration elapsed{};  ///< since connect()
};

/// An operator's word.
struct CircuitOverride {
  enum class Kind : uint8_t { kAuto, kOpen, kClosed };
  Kind kind = Kind::kAuto;
  /// How long it holds; zero: until lifted by kAuto.
  Duration ttl{};
};

using Event = std::variant<Tick, Reached, Connected, Received, PingAcked, GoneAway, Closed, HealthAnswered,
                           EchoAnswered, EchoUnsent, ConnectResult, OutcomeRecord, CircuitOverride>;

}  // namespace peerpulse::health
