// Goal: every failure has its RFC 9209 name and status, and is laid at the right door.
#include "peerpulse/upstream/failure.h"

#include <cerrno>
#include <string>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::upstream;

TEST_CASE("failure: names and statuses of RFC 9209 section 2.3, and the gRPC status beside them") {
  const struct {
    ErrorType type;
    const char* name;
    int status;
    int grpcStatus;
  } rows[] = {
      {ErrorType::kDestinationUnavailable, "destination_unavailable", 503, 14},
      {ErrorType::kDestinationUnroutable, "destination_ip_unroutable", 502, 14},
      {ErrorType::kConnectionRefused, "connection_refused", 502, 14},
      {ErrorType::kConnectionTerminated, "connection_terminated", 502, 14},
      {ErrorType::kConnectionTimeout, "connection_timeout", 504, 14},
      {ErrorType::kConnectionLimitReached, "connection_limit_reached", 503, 14},
      {ErrorType::kConnectionReadTimeout, "connection_read_timeout", 504, 4},
      {ErrorType::kHttpRequestError, "http_request_error", 400, 13},
      {ErrorType::kHttpResponseTimeout, "http_response_timeout", 504, 4},
      {ErrorType::kHttpResponseIncomplete, "http_response_incomplete", 502, 14},
      {ErrorType::kHttpProtocolError, "http_protocol_error", 502, 13},
      {ErrorType::kHttpUpgradeFailed, "http_upgrade_failed", 502, 13},
      {ErrorType::kProxyLoopDetected, "proxy_loop_detected", 502, 14},
      {ErrorType::kTlsProtocolError, "tls_protocol_error", 502, 14},
      {ErrorType::kTlsCertificateError, "tls_certificate_error", 502, 14},
      {ErrorType::kTlsAlertReceived, "tls_alert_received", 502, 14},
      {ErrorType::kDnsError, "dns_error", 502, 14},
      {ErrorType::kDnsTimeout, "dns_timeout", 504, 14},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    CHECK(std::string(info(row.type).name) == row.name);
    CHECK(info(row.type).status == row.status);
    CHECK(info(row.type).grpcStatus == row.grpcStatus);
  }
  CHECK(std::string(info(ErrorType::kNone).name).empty());
}

TEST_CASE("failure: parties") {
  CHECK(std::string(toString(Party::kPeer)) == "peer");
  CHECK(std::string(toString(Party::kClient)) == "client");
  CHECK(std::string(toString(Party::kHost)) == "host");
  CHECK(std::string(toString(Party::kSelf)) == "self");
}

TEST_CASE("failure: TLS, failure by failure; that the peer does not take what we show it is no failure of the peer") {
  const struct {
    TlsFailure failure;
    ErrorType type;
    Party party;
  } rows[] = {
      {TlsFailure::kProtocol, ErrorType::kTlsProtocolError, Party::kPeer},
      {TlsFailure::kPlainText, ErrorType::kTlsProtocolError, Party::kPeer},
      {TlsFailure::kCertificate, ErrorType::kTlsCertificateError, Party::kPeer},
      {TlsFailure::kIdentity, ErrorType::kTlsAlertReceived, Party::kSelf},
      {TlsFailure::kAlert, ErrorType::kTlsAlertReceived, Party::kPeer},
      {TlsFailure::kTruncated, ErrorType::kConnectionTerminated, Party::kPeer},
      {TlsFailure::kNoHttp2, ErrorType::kHttpProtocolError, Party::kPeer},
  };
  for (const auto& row : rows) {
    CAPTURE(codeOf(row.failure));
    CHECK(causeOf(row.failure).type == row.type);
    CHECK(causeOf(row.failure).party == row.party);
    const Failure failure = connectFailure(codeOf(row.failure), "why");
    CHECK(failure.type == row.type);
    CHECK(failure.party == row.party);
    CHECK(failure.detail == "why");
  }
}

TEST_CASE("failure: a failed connect, errno by errno") {
  const struct {
    int errnoValue;
    ErrorType type;
    Party party;
  } rows[] = {
      {ECONNREFUSED, ErrorType::kConnectionRefused, Party::kPeer},
      {ENOENT, ErrorType::kConnectionRefused, Party::kPeer},  // a unix socket that nobody has bound
      {ECONNRESET, ErrorType::kConnectionTerminated, Party::kPeer},
      {EPIPE, ErrorType::kConnectionTerminated, Party::kPeer},
      {ETIMEDOUT, ErrorType::kConnectionTimeout, Party::kPeer},
      {EHOSTUNREACH, ErrorType::kDestinationUnroutable, Party::kPeer},
      // No route, no link: the peer has no part in it.
      {ENETUNREACH, ErrorType::kDestinationUnroutable, Party::kHost},
      {ENETDOWN, ErrorType::kDestinationUnroutable, Party::kHost},
      // Out of descriptors, ports or memory.
      {EMFILE, ErrorType::kConnectionLimitReached, Party::kHost},
      {ENFILE, ErrorType::kConnectionLimitReached, Party::kHost},
      {EADDRNOTAVAIL, ErrorType::kConnectionLimitReached, Party::kHost},
      {EADDRINUSE, ErrorType::kConnectionLimitReached, Party::kHost},
      {ENOBUFS, ErrorType::kConnectionLimitReached, Party::kHost},
      {ENOMEM, ErrorType::kConnectionLimitReached, Party::kHost},
      // A firewall of our own.
      {EPERM, ErrorType::kConnectionRefused, Party::kHost},
      {EACCES, ErrorType::kConnectionRefused, Party::kHost},
  };
  for (const auto& row : rows) {
    CAPTURE(row.errnoValue);
    const Failure failure = connectFailure(row.errnoValue, "why");
    CHECK(failure.type == row.type);
    CHECK(failure.party == row.party);
    CHECK(failure.timedOut == (row.errnoValue == ETIMEDOUT));
    CHECK(failure.detail == "why");
    CHECK(failure.status == 0);
    CHECK_FALSE(failure.byCircuit);
  }
}

TEST_CASE("failure: by default it is our own, and no failure at all") {
  const Failure failure;
  CHECK(failure.type == ErrorType::kNone);
  CHECK(failure.party == Party::kSelf);
}
