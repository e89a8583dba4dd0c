#include "proxy_error.h"

#include <array>
#include <cerrno>
#include <cstddef>

namespace peerpulse::proxy {

const ProxyErrorInfo& info(ProxyError error) {
  static constexpr std::array<ProxyErrorInfo, 13> kTable = {{
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
  return kTable[static_cast<size_t>(error)];
}

ProxyError connectErrorFor(int errnoValue) {
  switch (errnoValue) {
    case EHOSTUNREACH:
    case ENETUNREACH: return ProxyError::kDestinationUnroutable;
    case ETIMEDOUT: return ProxyError::kConnectionTimeout;
    case EMFILE:
    case ENFILE:
    case EADDRNOTAVAIL:  // no local port left
    case ENOBUFS:
    case ENOMEM: return ProxyError::kConnectionLimitReached;
    case ECONNRESET:
    case EPIPE: return ProxyError::kConnectionTerminated;
    default: return ProxyError::kConnectionRefused;
  }
}

}  // namespace peerpulse::proxy
