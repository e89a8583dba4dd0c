// Random: the generator of simulated worlds (xoshiro256**, seeded by splitmix64), integers only: the same seed gives
// the same run on every machine and library, which std's distributions do not promise.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "peerpulse/base/time.h"

namespace peerpulse::test {

class Random {
 public:
  explicit Random(uint64_t seed = 0) {
    for (uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15u;
      uint64_t z = seed;
      z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
      z = (z ^ z >> 27) * 0x94d049bb133111ebu;
      word = z ^ z >> 31;
    }
  }

  uint64_t next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  /// In [0, n); n > 0.
  uint32_t below(uint32_t n) { return static_cast<uint32_t>((next() >> 32) * n >> 32); }
  bool chance(uint32_t perMillion) { return perMillion != 0 && below(1'000'000) < perMillion; }
  bool percent(uint32_t p) { return below(100) < p; }
  /// Uniform in [low, high].
  Duration between(Duration low, Duration high) {
    if (high <= low) return low;
    // Microseconds are fine enough, and 32 bits of them more than an hour.
    const auto span = static_cast<uint32_t>((high - low) / microseconds(1));
    return low + microseconds(below(span + 1));
  }
  /// In [low, high], each power of two as likely as the next: short times are as interesting as long ones.
  Duration spread(Duration low, Duration high) {
    const auto octaves = static_cast<uint32_t>(std::bit_width(static_cast<uint64_t>(high / low)));
    const Duration base = low * (int64_t{1} << below(octaves));
    return between(base, base * 2 < high ? base * 2 : high);
  }
  Random fork() { return Random(next()); }

 private:
  std::array<uint64_t, 4> state_{};
};

}  // namespace peerpulse::test
