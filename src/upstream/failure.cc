#include "peerpulse/upstream/failure.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

namespace peerpulse::upstream {

const ErrorInfo& info(ErrorType type) {
  static constexpr std::array<ErrorInfo, 13> kTable = {{
      {"", 200, 0},
      {"destination_unavailable", 503, 14},
      {"destination_ip_unroutable", 502, 14},
      {"connection_refused", 502, 14},
      {"connection_terminated", 502, 14},
      {"connection_timeout", 504, 14},
      {"connection_limit_reached", 503, 14},
      {"connection_read_timeout", 504, 4},
      {"http_request_error", 400, 13},
      {"http_response_timeout", 504, 4},
      {"http_response_incomplete", 502, 14},
      {"http_protocol_error", 502, 13},
      {"http_upgrade_failed", 502, 13},
  }};
  return kTable[static_cast<size_t>(type)];
}

const char* toString(Party party) {
  switch (party) {
    case Party::kPeer: return "peer";
    case Party::kClient: return "client";
    case Party::kHost: return "host";
    case Party::kSelf: return "self";
  }
  return "?";
}

namespace {

ErrorType connectErrorType(int errnoValue) {
  switch (errnoValue) {
    case EHOSTUNREACH:
    case ENETUNREACH: return ErrorType::kDestinationUnroutable;
    case ETIMEDOUT: return ErrorType::kConnectionTimeout;
    case EMFILE:
    case ENFILE:
    case EADDRNOTAVAIL:  // no local port left
    case ENOBUFS:
    case ENOMEM: return ErrorType::kConnectionLimitReached;
    case ECONNRESET:
    case EPIPE: return ErrorType::kConnectionTerminated;
    default: return ErrorType::kConnectionRefused;
  }
}

}  // namespace

Failure connectFailure(int errnoValue, std::string detail) {
  Failure failure;
  failure.type = connectErrorType(errnoValue);
  // Out of descriptors or ports is our own trouble, not the peer's.
  failure.party = failure.type == ErrorType::kConnectionLimitReached ? Party::kHost : Party::kPeer;
  failure.timedOut = failure.type == ErrorType::kConnectionTimeout;
  failure.detail = std::move(detail);
  return failure;
}

}  // namespace peerpulse::upstream
