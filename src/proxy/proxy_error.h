// ProxyError: what peerpulse itself answers for, with the names and statuses of RFC 9209 section 2.3.
//
// Threading: pure.
#pragma once

#include <cstdint>
#include <string>

namespace peerpulse::proxy {

enum class ProxyError : uint8_t {
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
};

struct ProxyErrorInfo {
  const char* name;  ///< RFC 9209 error type
  int status;        ///< recommended HTTP status
  int grpcStatus;    ///< 14 UNAVAILABLE, 4 DEADLINE_EXCEEDED, 13 INTERNAL
};

const ProxyErrorInfo& info(ProxyError error);

/// What is said of a failed exchange, in the answer and in the log.
struct Failure {
  ProxyError error = ProxyError::kNone;
  std::string detail;
  /// The HTTP status when it is not the error's own (request errors).
  int status = 0;
};

/// The error of a connect() that failed with `errnoValue`.
ProxyError connectErrorFor(int errnoValue);

}  // namespace peerpulse::proxy
