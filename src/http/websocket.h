// WebSocket's handshake, where one side speaks HTTP/1 and the other HTTP/2: h1 proves by a key and its answer that the server
// knows what it is asked (RFC 6455 4.2.2), h2 by SETTINGS and :protocol, so that it has neither (RFC 8441 5).
//
// Threading: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace peerpulse::http {

inline constexpr std::string_view kWebSocket = "websocket";  ///< as HTTP/2 writes it; upgrades ignore case
inline constexpr std::string_view kWebSocketKey = "Sec-WebSocket-Key";
inline constexpr std::string_view kWebSocketAccept = "Sec-WebSocket-Accept";

/// What Sec-WebSocket-Accept must say to a client that sent `key`. Empty if this host's OpenSSL gives no SHA-1: without the field
/// the client fails its own handshake.
std::string webSocketAccept(std::string_view key);

}  // namespace peerpulse::http
