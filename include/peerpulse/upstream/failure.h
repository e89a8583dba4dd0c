// Failure: how a request ended without an answer, what it is called (RFC 9209 section 2.3) and whose doing it was.
//
// The party decides who may be blamed: only what the peer did touches its circuit, its connections and its score.
//
// Threading: a value; the functions are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "peerpulse/base/tls_failure.h"
#include "peerpulse/http/codec.h"

namespace peerpulse::upstream {

enum class ErrorType : uint8_t {
  kNone,
  kDestinationUnavailable,  ///< the circuit is open
  kDestinationUnroutable,   ///< EHOSTUNREACH, ENETUNREACH
  kConnectionRefused,
  kConnectionTerminated,  ///< reset or closed before the answer was complete
  kConnectionTimeout,
  kConnectionLimitReached,
  kConnectionReadTimeout,  ///< stalled
  kHttpRequestError,       ///< the client's fault; the status says more
  kHttpResponseTimeout,
  kHttpResponseIncomplete,
  kHttpProtocolError,
  kHttpUpgradeFailed,
  kProxyLoopDetected,  ///< the request has come from ourselves
  kTlsProtocolError,
  kTlsCertificateError,
  kTlsAlertReceived,
  kDnsError,    ///< the peer's name has led nowhere yet
  kDnsTimeout,  ///< the same, because nobody answered in time
};

struct ErrorInfo {
  const char* name;  ///< RFC 9209 error type
  int status;        ///< recommended HTTP status
  int grpcStatus;    ///< 14 UNAVAILABLE, 4 DEADLINE_EXCEEDED, 13 INTERNAL
};

const ErrorInfo& info(ErrorType type);

/// Whose doing a failure was.
enum class Party : uint8_t {
  kPeer,
  kClient,  ///< its deadline, its bytes, its going away
  kHost,    ///< our host: descriptors, ports, memory, routes, what it knows of names
  kPath,    ///< what lies between: it has forgotten a connection while both ends live
  kSelf,    ///< peerpulse: its limits, its circuit's refusals, its end
};
/// "peer", "client", "host", "path", "self".
const char* toString(Party party);

/// Which timer ended an exchange. The words are those of the configuration's keys.
enum class Timer : uint8_t {
  kNone,
  kConnect,      ///< timeouts.<class>.connect
  kRequest,      ///< timeouts.<class>.request
  kRate,         ///< the deadline of a body whose length is known: timeouts.<class>.min_bytes_per_second
  kStall,        ///< timeouts.<class>.stall
  kPatience,     ///< the owner's own (api.peer_timeout, api.chunk_timeout)
  kGrpcTimeout,  ///< the client's
  kDrainTunnels,
  kClientStall,  ///< limits.client_stall
};
/// "", "connect", "request", "min_bytes_per_second", "stall", "patience", "grpc_timeout", "drain_tunnels", "client_stall".
const char* toString(Timer timer);

struct Failure {
  ErrorType type = ErrorType::kNone;
  Party party = Party::kSelf;
  std::string detail;
  /// The HTTP status when it is not the type's own (request errors).
  int status = 0;
  bool timedOut = false;  ///< a deadline of ours or of the client's passed
  Timer timer = Timer::kNone;
  bool byCircuit = false;  ///< refused, or given up in flight, because the circuit is open
  bool shed = false;       ///< refused because the peer is slow and as many wait for it already (Governor)
  /// The peer said that it has not looked at it (RFC 9113 8.7), and our retries are used up.
  bool notProcessed = false;
  /// What the peer's RST_STREAM said: for an h2 client to hear as it is.
  std::optional<http::ResetReason> said;
};

/// A connect() that failed with `code`, an errno value or a TlsFailure.
Failure connectFailure(int code, std::string detail);

struct Cause {
  ErrorType type = ErrorType::kNone;
  Party party = Party::kPeer;
};
/// Of a TlsFailure, whenever it came.
Cause causeOf(TlsFailure failure);

}  // namespace peerpulse::upstream
