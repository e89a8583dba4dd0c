// Input: a fuzzer's bytes. What decides comes off the end, one byte a decision (0 where there are none), so that the front
// can be what goes over the wire: any wire capture is a seed.
//
// Threading: a value; a view of the fuzzer's bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace peerpulse::fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : bytes_(reinterpret_cast<const char*>(data), size) {}

  uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto value = static_cast<uint8_t>(bytes_.back());
    bytes_.remove_suffix(1);
    return value;
  }
  /// In [0, n).
  uint32_t below(uint32_t n) { return byte() % n; }
  bool flag() { return (byte() & 1U) != 0; }
  uint32_t word() { return byte() | static_cast<uint32_t>(byte()) << 8U; }
  bool empty() const { return bytes_.empty(); }

  /// What is left, for the wire.
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

/// How the bytes are cut, and what is looked at: one byte decides both.
struct Cuts {
  explicit Cuts(uint8_t choice)
      : count(choice % kMost), pieces(look(choice) != kTrips), trips(look(choice) != kPieces) {}

  const uint32_t count;
  const bool pieces;  ///< the same in pieces as whole?
  const bool trips;   ///< is every head that was taken legal when it is sent on?

 private:
  static constexpr uint32_t kMost = 24;
  enum Look : uint32_t { kBoth, kPieces, kTrips };
  /// Both cost more than twice as long, and what breaks one rule hardly ever needs the other.
  static uint32_t look(uint8_t choice) { return choice / kMost % 3; }
};

/// Cuts `text` into pieces, at most `cuts` + 1: places that follow from `seed` alone.
inline std::vector<std::string_view> cut(std::string_view text, uint32_t cuts, uint32_t seed) {
  std::vector<std::string_view> pieces;
  uint64_t state = seed * 0x9e3779b97f4a7c15U + 1;
  for (uint32_t i = 0; i < cuts && text.size() > 1; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const size_t at = 1 + (state >> 33U) % std::min<size_t>(text.size(), 64);
    pieces.push_back(text.substr(0, at));
    text.remove_prefix(pieces.back().size());
  }
  if (!text.empty()) pieces.push_back(text);
  return pieces;
}

}  // namespace peerpulse::fuzz
