// Which spare disk is tried next: one whose peer's circuit lets through, the healthiest (score), then one in another zone than
// the failed disk's, then the one whose peer has least to do. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

namespace peerpulse::fanout {

struct Spare {
  bool tried = false;
  bool open = false;  ///< its peer's circuit refuses: it would fail at once
  uint64_t scoreMillis = 0;
  bool otherZone = false;
  uint64_t inFlight = 0;
};

/// Nothing if all were tried or refuse.
inline std::optional<size_t> chooseSpare(const std::vector<Spare>& spares) {
  // Scores wobble by less than this between equals.
  constexpr uint64_t kSame = 50;
  const auto rank = [](const Spare& s) {
    return std::tuple(s.scoreMillis / kSame, s.otherZone, UINT64_MAX - s.inFlight);
  };
  std::optional<size_t> best;
  for (size_t i = 0; i < spares.size(); ++i) {
    if (spares[i].tried || spares[i].open) continue;
    if (!best || rank(spares[i]) > rank(spares[*best])) best = i;
  }
  return best;
}

}  // namespace peerpulse::fanout
