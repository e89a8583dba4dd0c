// Bytes of fields and lines: which are control characters, which may stand in a token. Eight at a time where
// that is possible: these run over every byte of every head.
//
// Threading: pure functions.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace peerpulse::http {

constexpr bool isControl(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u < 0x20 && u != '\t') || u == 0x7f;
}

/// The index of the first control character (tab is none) at or after `from`; text.size() without one.
inline size_t findControl(std::string_view text, size_t from) {
  constexpr uint64_t kOnes = 0x0101010101010101U;
  constexpr uint64_t kHigh = 0x8080808080808080U;
  size_t at = from;
  if constexpr (std::endian::native == std::endian::little) {
    while (at + sizeof(uint64_t) <= text.size()) {
      uint64_t eight = 0;
      std::memcpy(&eight, text.data() + at, sizeof(eight));
      // High bit of each byte that is below 0x20 or 0x7f; the lowest one that is set is never wrong, which
      // is the first byte in memory.
      const uint64_t del = eight ^ (kOnes * 0x7f);
      const uint64_t found = (((eight - kOnes * 0x20) & ~eight) | ((del - kOnes) & ~del)) & kHigh;
      if (found == 0) {
        at += sizeof(eight);
        continue;
      }
      at += static_cast<size_t>(std::countr_zero(found)) / 8;
      if (text[at] != '\t') return at;
      ++at;
    }
  }
  while (at < text.size() && !isControl(text[at]))
    ++at;
  return at;
}

/// A set of byte values.
class ByteSet {
 public:
  constexpr explicit ByteSet(std::string_view bytes, bool alphanumeric = true) {
    for (const char c : bytes)
      put(c);
    if (!alphanumeric) return;
    for (char c = '0'; c <= '9'; ++c)
      put(c);
    for (char c = 'a'; c <= 'z'; ++c) {
      put(c);
      put(static_cast<char>(c - 'a' + 'A'));
    }
  }
  constexpr bool has(char c) const { return has_[static_cast<unsigned char>(c)]; }
  constexpr bool hasAll(std::string_view text) const {
    bool all = true;
    for (const char c : text)
      all &= has(c);  // no branch: texts are short and nearly always good
    return all;
  }

 private:
  constexpr void put(char c) { has_[static_cast<unsigned char>(c)] = true; }
  std::array<bool, 256> has_{};
};

}  // namespace peerpulse::http
