// Raw h2 frames for tests (RFC 9113 4.1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

struct Frame {
  uint8_t type = 0;
  uint8_t flags = 0;
  uint32_t stream = 0;
  std::string payload;
  bool is(Type wanted) const { return type == wanted; }
  bool ends() const { return (flags & kEndStream) != 0; }
};

/// The whole frames of `wire`, behind a client's preface where there is one.
inline std::vector<Frame> framesOf(std::string_view wire) {
  if (wire.substr(0, 3) == "PRI") wire.remove_prefix(24);
  std::vector<Frame> frames;
  const auto u = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(wire[i])); };
  while (wire.size() >= 9) {
    const size_t size = u(0) << 16 | u(1) << 8 | u(2);
    if (wire.size() < 9 + size) break;
    frames.push_back({static_cast<uint8_t>(u(3)), static_cast<uint8_t>(u(4)),
                      (u(5) & 0x7f) << 24 | u(6) << 16 | u(7) << 8 | u(8), std::string(wire.substr(9, size))});
    wire.remove_prefix(9 + size);
  }
  return frames;
}

inline size_t countOf(const std::vector<Frame>& frames, Type type) {
  size_t n = 0;
  for (const Frame& each : frames)
    n += each.is(type) ? 1U : 0U;
  return n;
}

}  // namespace peerpulse::http::test
