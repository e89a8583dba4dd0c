// PeerStats: the counters of one peer that several threads bump and the admin reads. Plain relaxed atomics:
// no label lookup, no lock on the hot path. The registry exports them at scrape time.
//
// Threading: any thread may add; readers see each value whole but not all values of one moment.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "peerpulse/base/time.h"
#include "peerpulse/base/tls_failure.h"
#include "peerpulse/stats/governor_stats.h"
#include "peerpulse/stats/histogram.h"
#include "peerpulse/stats/last_error.h"
#include "peerpulse/stats/latency_window.h"
#include "peerpulse/stats/name_stats.h"
#include "peerpulse/stats/value.h"

namespace peerpulse::stats {

/// Bucket bounds of probe round trips, in seconds: a LAN answers in 50 us to 1 ms.
inline constexpr std::array<double, 14> kProbeRttBounds = {0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005,
                                                           0.01,    0.02,   0.05,   0.1,    0.2,   0.5,   1};

/// Bucket bounds of failing the exchanges in flight to a dead peer, in seconds.
inline constexpr std::array<double, 10> kFailInFlightBounds = {0.0001, 0.0002, 0.0005, 0.001, 0.002,
                                                               0.005,  0.01,   0.02,   0.05,  0.1};

/// Whose doing a failure was: the words of upstream::Party, in its order.
inline constexpr std::array<const char*, 5> kPartyNames = {"peer", "client", "host", "path", "self"};
inline constexpr size_t kPeerParty = 0;
using ByParty = std::array<Value, kPartyNames.size()>;

/// What became of the probes of one kind.
struct ProbeCounts {
  Value sent;
  Value acked;  ///< answered
  Value lost;   ///< given up: their connection ended, or too much time has passed
};

/// Written by the prober thread.
struct ProbeStats {
  ProbeCounts pings;
  ProbeCounts echoes;    ///< ICMP; as of the last second
  ProbeCounts knocks;    ///< TCP connects of the cadence, those of recovery included, those of a confirm not
  ProbeCounts requests;  ///< to its process, on a kept connection
  /// `f(word, counts)` for each kind; the words are those of health::HostMeans and ProcessMeans.
  template <typename F>
  void forEachKind(F f) const {
    f("ping", pings);
    f("icmp", echoes);
    f("connect", knocks);
    f("request", requests);
  }
  Value goaways;
  Value tooManyPings;  ///< of these ENHANCE_YOUR_CALM: the peer polices PINGs
  Value connects;      ///< connection attempts, confirm and recovery included
  Value unasked;       ///< of these, those that could not leave this host: no descriptor, port or memory
  Value suspects;      ///< first stage entered
  Value cleared;       ///< suspects found alive
  Value deads;         ///< suspects found dead
  Value outcomesDropped;
  Value transitionsUnreported;  ///< of which only this number is known: Stats::reportsDropped
  Value mode;                   ///< health::ProbeMode as a number
  Value hostMeans;              ///< health::HostMeans
  Value processMeans;           ///< health::ProcessMeans
  Value scoreMillis;            ///< health::HealthScore in thousandths
  Value degradings;             ///< warnings that the score falls
  Value rttLastMicros;
  Value rttP50Micros;  ///< over the last 256 ACKs
  Value rttP99Micros;
  Value lastHeardNanos;            ///< monotonic clock at the prober's last evidence of life; 0: never
  Value processHeardNanos;         ///< the same of its process alone, whatever its kernel says
  Value connected;                 ///< probe connections established now
  Value certificateNotAfter;       ///< of the peer, as shown last: seconds since 1970; 0: none
  Histogram rtt{kProbeRttBounds};  ///< one observation per answer to a PING or an echo
};

/// Why the guard does nothing about a dead peer: the words of guard::Withheld, in its order; the first is none.
inline constexpr std::array<const char*, 9> kWithheldNames = {"",          "first_second", "prober_stalled",
                                                              "operator",  "local_health", "nobody_else",
                                                              "max_peers", "heard_since",  "host_lives"};

/// Written by the guard's thread.
struct GuardStats {
  Value state;      ///< guard::State as a number
  Value why;        ///< guard::Withheld as a number
  Value refusals;   ///< times that the peer was refused
  Value destroyed;  ///< sockets
  Value spared;     ///< sockets that had heard the peer more lately than the probes
  Value failed;     ///< sockets, or searches for them, that failed
  std::array<Value, kWithheldNames.size()> withheldBy;  ///< times, by reason
};

/// Written by the workers, and `way` by the thread that renews the table of transparent mode.
struct TransparentStats {
  Value way;          ///< transparent::Way as a number
  Value connections;  ///< clients that connected to the peer's address and came here
};

/// How a leg of a fan-out ended: the words of fanout::stateWord(), without that of one under way.
inline constexpr std::array<const char*, 8> kLegStates = {"ok",     "error",     "offline",         "timeout",
                                                          "failed", "too_large", "digest_mismatch", "cancelled"};
using ByLegState = std::array<Value, kLegStates.size()>;

/// Of an answer's status, by its first digit; an upgrade's 101 is an answer.
inline constexpr std::array<const char*, 5> kStatusClasses = {"1xx", "2xx", "3xx", "4xx", "5xx"};

/// The words of upstream::TrafficClass, in its order.
inline constexpr std::array<const char*, 3> kClassNames = {"control", "bulk", "stream"};

/// The words of TlsFailure, in its order.
inline constexpr std::array<const char*, kTlsFailures> kTlsFailureNames = {
    "protocol", "plain_text", "certificate", "identity", "alert", "truncated", "no_http2"};

/// TLS on the connections of one side. Written by the workers.
struct TlsStats {
  Value enabled;  ///< 1 where TLS is spoken
  Value fullHandshakes;
  Value resumedHandshakes;
  Value ktlsConnections;                     ///< of all of these, those on which the kernel encrypts what we send
  std::array<Value, kTlsFailures> failures;  ///< connections that TLS ended, by TlsFailure

  void shookHands(bool resumed, bool ktls) {
    (resumed ? resumedHandshakes : fullHandshakes).add();
    if (ktls) ktlsConnections.add();
  }
  /// `code` may be any Error::code.
  void ended(int code) {
    if (isTlsFailure(code)) failures[static_cast<size_t>(code - kFirstTlsFailure)].add();
  }
};

/// When our own certificates expire, in seconds since 1970; 0: there is none. Written by who reads the files.
struct CertificateStats {
  Value client;    ///< what we show the peer
  Value listener;  ///< what the peer's listener shows local clients
};

/// The link to the peerpulse beside a peer, as the log tells of it. Written by the main thread.
struct LinkStats {
  Value mode;         ///< upstream::LinkMode as a number; 0: none
  Value state;        ///< health::LinkState as a number
  Value why;          ///< of one that is not up: an errno value or a TlsFailure; 0: not asked yet
  Value sinceMillis;  ///< of the state: of the wall clock, since 1970
  Value fallbacks;    ///< times that traffic went to the peer's own address

  void begins(WallTime at) {
    sinceMillis.set(static_cast<uint64_t>(
        std::max<int64_t>(std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count(), 0)));
  }
};

/// Written by the workers.
struct alignas(64) PeerStats {
  Value connectionsActive;
  Value connectionsIdle;
  Value connectionsConnecting;
  Value inFlight;     ///< exchanges accepted and not finished
  Value held;         ///< of these, waiting for a verdict, or for their turn with a peer just back from an outage
  Value heldTotal;    ///< exchanges that had to wait for a verdict
  Value rampedTotal;  ///< exchanges that had to wait for their turn
  Value requestsTotal;
  Value failuresTotal;        ///< exchanges that the peer failed
  Value fastFailuresTotal;    ///< refused or failed by the circuit
  Value failedInFlightTotal;  ///< of these, sent or about to be sent when the peer died
  /// From the verdict `dead` to the last of a worker's exchanges failed: one observation per worker and death that
  /// had any.
  Histogram failInFlight{kFailInFlightBounds};
  std::array<Value, kStatusClasses.size()> responses;  ///< of the peer
  Value ownResponses;                                  ///< given in its place
  /// Counts an answer of the peer.
  void answered(int status) {
    if (status >= 100 && status < 600) responses[static_cast<size_t>(status / 100 - 1)].add();
  }
  ByParty
      failuresBy;  ///< exchanges that failed otherwise than by the circuit; those of the client are its aborts, too
  ByParty timeoutsBy;              ///< of these, by a deadline: of ours that the peer let pass, or of the client's
  Value connectFailuresTotal;      ///< by the peer's doing
  Value connectsNotMadeTotal;      ///< for want of a descriptor, port, route or memory here
  Value clientsOverLimit;          ///< turned away by limits.max_downstream_connections
  Value clientsWithoutDescriptor;  ///< turned away because the last descriptors are others' (net::DescriptorShares)
  Value clientFloods;              ///< connections of clients that sent a flood of frames (http::Codec::flood())
  Value peerFloods;                ///< the same of the peer
  Value clientSlowdowns;           ///< pauses in reading one that has begun such a flood
  Value clientStalls;              ///< exchanges ended because their client did not do its part
  Value memoryRefusals;            ///< exchanges refused by limits.memory
  Value memoryEnds;                ///< exchanges ended by it
  Value downstreamConnections;     ///< of local clients, now
  Value pendingRefusals;           ///< exchanges refused by pool.max_pending
  Value acceptPauses;              ///< accept() failed for want of descriptors or memory
  Value evictionsTotal;
  Value lateConnectsTotal;  ///< connects without an answer for so long that another one was begun beside them
  Value forgottenTotal;     ///< of the evictions, connections that their path had forgotten while the peer lived
  Value retriesTotal;
  Value failOpenTotal;  ///< exchanges let through an open circuit because the prober had stopped
  Value bytesToPeer;    ///< body bytes
  Value bytesFromPeer;
  /// Counts one that failed otherwise than by the circuit, by the doing of kPartyNames[party].
  void failed(size_t party, bool timedOut) {
    failuresBy[party].add();
    if (party == kPeerParty) failuresTotal.add();
    if (timedOut) timeoutsBy[party].add();
  }
  /// From a request that was wholly sent to the head of its answer, by class: what "auto" timeouts are made of.
  std::array<LatencyWindow, kClassNames.size()> latency;
  /// When a read of the fan-out API was last left unanswered by it, or answered by a server's error; 0: none since it
  /// answered well.
  Value readFailedNanos;
  LastError lastError;     ///< refusals of the circuit and what clients did aside
  ByLegState undelivered;  ///< notifications (fan-out API) that did not arrive
  GovernorsByClass governors;
  TlsStats tlsUpstream;
  TlsStats tlsDownstream;
  CertificateStats certificates;
  LinkStats link;
  ProbeStats probe;
  GuardStats guard;
  NameStats names;
  TransparentStats transparent;
};

}  // namespace peerpulse::stats
