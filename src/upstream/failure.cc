#include "peerpulse/upstream/failure.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "peerpulse/stats/peer_stats.h"

namespace peerpulse::upstream {

const ErrorInfo& info(ErrorType type) {
  static constexpr std::array<ErrorInfo, 19> kTable = {{
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
      {"proxy_loop_detected", 502, 14},
      {"tls_protocol_error", 502, 14},
      {"tls_certificate_error", 502, 14},
      {"tls_alert_received", 502, 14},
      {"dns_error", 502, 14},
      {"dns_timeout", 504, 14},
  }};
  return kTable[static_cast<size_t>(type)];
}

const char* toString(Party party) {
  static_assert(static_cast<size_t>(Party::kSelf) + 1 == stats::kPartyNames.size());
  static_assert(static_cast<size_t>(Party::kPeer) == stats::kPeerParty);
  return stats::kPartyNames[static_cast<size_t>(party)];
}

const char* toString(Timer timer) {
  switch (timer) {
    case Timer::kNone: return "";
    case Timer::kConnect: return "connect";
    case Timer::kRequest: return "request";
    case Timer::kRate: return "min_bytes_per_second";
    case Timer::kStall: return "stall";
    case Timer::kPatience: return "patience";
    case Timer::kGrpcTimeout: return "grpc_timeout";
    case Timer::kDrainTunnels: return "drain_tunnels";
    case Timer::kClientStall: return "client_stall";
  }
  return "?";
}

Cause causeOf(TlsFailure failure) {
  switch (failure) {
    case TlsFailure::kProtocol:
    case TlsFailure::kPlainText: return {ErrorType::kTlsProtocolError, Party::kPeer};
    case TlsFailure::kCertificate: return {ErrorType::kTlsCertificateError, Party::kPeer};
    case TlsFailure::kIdentity: return {ErrorType::kTlsAlertReceived, Party::kSelf};  // what we have shown it
    case TlsFailure::kAlert: return {ErrorType::kTlsAlertReceived, Party::kPeer};
    case TlsFailure::kTruncated: return {ErrorType::kConnectionTerminated, Party::kPeer};
    case TlsFailure::kNoHttp2: return {ErrorType::kHttpProtocolError, Party::kPeer};
  }
  return {ErrorType::kTlsProtocolError, Party::kPeer};
}

namespace {

Cause causeOfConnect(int code) {
  if (isTlsFailure(code)) return causeOf(static_cast<TlsFailure>(code));
  switch (code) {
    case EHOSTUNREACH: return {ErrorType::kDestinationUnroutable, Party::kPeer};
    case ENETUNREACH:  // no route
    case ENETDOWN: return {ErrorType::kDestinationUnroutable, Party::kHost};
    case ETIMEDOUT: return {ErrorType::kConnectionTimeout, Party::kPeer};
    case EMFILE:
    case ENFILE:
    case EADDRNOTAVAIL:  // no local port left
    case EADDRINUSE:
    case ENOBUFS:
    case ENOMEM: return {ErrorType::kConnectionLimitReached, Party::kHost};
    case EACCES:  // our host's firewall or security module
    case EPERM: return {ErrorType::kConnectionRefused, Party::kHost};
    case ECONNRESET:
    case EPIPE: return {ErrorType::kConnectionTerminated, Party::kPeer};
    default: return {ErrorType::kConnectionRefused, Party::kPeer};
  }
}

}  // namespace

Failure connectFailure(int code, std::string detail) {
  const Cause cause = causeOfConnect(code);
  Failure failure;
  failure.type = cause.type;
  failure.party = cause.party;
  failure.timedOut = failure.type == ErrorType::kConnectionTimeout;
  failure.detail = std::move(detail);
  return failure;
}

}  // namespace peerpulse::upstream
