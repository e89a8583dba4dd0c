// Raw h2 frames for tests (RFC 9113 4.1).
#pragma once

#include <cstdint>
#include <string>

namespace peerpulse::http::test {

enum Type : uint8_t { kData, kHeaders, kPriority, kRst, kSettings, kPush, kPing, kGoAway, kWindow, kContinuation };
inline constexpr uint8_t kEndStream = 1;
inline constexpr uint8_t kAck = 1;
inline constexpr uint8_t kEndHeaders = 4;

inline std::string bytes32(uint32_t v) {
  return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8), static_cast<char>(v)};
}

inline std::string frame(Type type, uint8_t flags, uint32_t stream, const std::string& payload) {
  std::string text = bytes32(static_cast<uint32_t>(payload.size())).substr(1);
  text.push_back(static_cast<char>(type));
  text.push_back(static_cast<char>(flags));
  return text + bytes32(stream) + payload;
}

/// HPACK literal without indexing, lengths below 127 only.
inline std::string field(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name + static_cast<char>(value.size()) + value;
}

inline std::string fields(const std::string& extra, const std::string& method = "GET") {
  return field(":method", method) + field(":scheme", "http") + field(":path", "/") + field(":authority", "a") + extra;
}

inline std::string request(uint32_t id, const std::string& extra = "", uint8_t flags = kEndStream | kEndHeaders) {
  return frame(kHeaders, flags, id, fields(extra));
}

inline std::string response(uint32_t id, const std::string& status, uint8_t flags, const std::string& extra = "") {
  return frame(kHeaders, flags, id, field(":status", status) + extra);
}

inline const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, 0, 0, "");

}  // namespace peerpulse::http::test
