// TlsFailure: how TLS (RFC 8446, RFC 5246) ended a connection, as an Error::code beside the errno values, which on Linux end
// below 4096.
#pragma once

#include <cstdint>

namespace peerpulse {

enum class TlsFailure : int {
  kProtocol = 4097,  ///< what the remote side sent breaks the protocol, or the two sides have nothing in common
  kPlainText,        ///< it spoke no TLS at all
  kCertificate,      ///< we did not accept its certificate, or it has shown none
  kIdentity,         ///< it did not accept ours, and said so by an alert
  kAlert,            ///< it ended the connection by another alert
  kTruncated,        ///< its direction ended without close_notify: what came may not be all
  kNoHttp2,          ///< it chose another protocol than HTTP/2 (ALPN, RFC 7301)
};

inline constexpr int kFirstTlsFailure = static_cast<int>(TlsFailure::kProtocol);
inline constexpr int kTlsFailures = 7;

inline constexpr int codeOf(TlsFailure failure) { return static_cast<int>(failure); }
inline constexpr bool isTlsFailure(int code) {
  return code >= kFirstTlsFailure && code < kFirstTlsFailure + kTlsFailures;
}
inline constexpr bool is(int code, TlsFailure failure) { return code == codeOf(failure); }

}  // namespace peerpulse
