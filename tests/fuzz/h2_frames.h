// Frames from a fuzzer's bytes. As they stand, changes would mostly break a length, and end the connection at once; so each
// frame is
//   type, flags, stream, length of what follows (255: all that is left)
// and the frame's real head is made of that. With kTextFlag a header block is text, "name: value\n" each, made into HPACK
// literals; so a change of a letter is one of a field.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace peerpulse::fuzz {

inline constexpr uint8_t kTextFlag = 0x40;

inline void appendLength(std::string& to, size_t n) {
  if (n < 127) {
    to.push_back(static_cast<char>(n));
    return;
  }
  to.push_back('\x7f');
  for (n -= 127; n >= 128; n >>= 7U)
    to.push_back(static_cast<char>(0x80U | (n & 0x7fU)));
  to.push_back(static_cast<char>(n));
}

/// HPACK literals without indexing.
inline std::string literals(std::string_view text) {
  std::string block;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const size_t colon = line.find(": ");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 2);
    block.push_back('\0');
    appendLength(block, name.size());
    block.append(name);
    appendLength(block, value.size());
    block.append(value);
  }
  return block;
}

inline std::string frameOf(uint8_t type, uint8_t flags, uint8_t stream, std::string_view payload) {
  std::string wire;
  wire.push_back(static_cast<char>(payload.size() >> 16U));
  wire.push_back(static_cast<char>(payload.size() >> 8U));
  wire.push_back(static_cast<char>(payload.size()));
  wire.push_back(static_cast<char>(type));
  wire.push_back(static_cast<char>(flags));
  wire.append(3, '\0');
  wire.push_back(static_cast<char>(stream));
  return wire.append(payload);
}

inline std::string framesOf(std::string_view program) {
  constexpr size_t kHead = 4;
  constexpr size_t kMaxPayload = 70'000;  // a little more than we announce
  std::string wire;
  while (program.size() >= kHead) {
    const auto at = [program](size_t i) { return static_cast<uint8_t>(program[i]); };
    const uint8_t type = at(0) % 12;
    uint8_t flags = at(1);
    const uint8_t stream = at(2) % 16;
    const size_t length = at(3);
    program.remove_prefix(kHead);
    const std::string_view payload = program.substr(0, length == 255 ? kMaxPayload : length);
    program.remove_prefix(payload.size());
    if (type == 1 && (flags & kTextFlag) != 0) {
      flags &= 0x05;  // no padding, no priority
      wire += frameOf(type, flags, stream, literals(payload));
    } else {
      wire += frameOf(type, flags, stream, payload);
    }
  }
  return wire;
}

}  // namespace peerpulse::fuzz
