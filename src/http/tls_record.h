// What stands where HTTP should begin when one side speaks TLS and the other does not: the most frequent mistake in an address.
//
// Threading: pure.
#pragma once

#include <string_view>

namespace peerpulse::http {

inline constexpr const char* kTlsFromClient = "a TLS handshake: this port speaks plain HTTP";
inline constexpr const char* kTlsFromPeer = "the peer speaks TLS on this port: it was asked in plain HTTP";

/// A record of TLS (RFC 8446 5.1), an alert or a handshake: neither a message of HTTP/1 nor a frame that HTTP/2 begins with has
/// such a first byte.
inline bool isTlsRecord(std::string_view first) { return !first.empty() && (first[0] == 0x15 || first[0] == 0x16); }

}  // namespace peerpulse::http
