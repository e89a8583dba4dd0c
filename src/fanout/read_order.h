// In which order peers are asked where a few answers are enough: those that are well, then those that failed no read of late, then
// those of our own zone, then by what an answer takes there with what is under way already. One of which nothing is known of late
// is tried first, by one request; until that has told, it counts as the quickest of the others would with as much under way. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <tuple>
#include <vector>

#include "peerpulse/base/time.h"

namespace peerpulse::fanout {

struct Reader {
  bool unwell = false;  ///< its circuit refuses, or its verdict is in doubt
  bool failed = false;  ///< the last read of late: no answer, or a server's error
  bool otherZone = false;
  Duration typical{};  ///< of its answers; zero: not known
  uint64_t inFlight = 0;
};

/// Indexes into `peers`.
inline std::vector<size_t> readOrder(const std::vector<Reader>& peers) {
  std::vector<size_t> order(peers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Duration quickest = Duration::max();
  for (const Reader& peer : peers) {
    if (peer.typical > Duration::zero()) quickest = std::min(quickest, peer.typical);
  }
  const auto typicalOf = [&](const Reader& peer) {
    if (peer.typical > Duration::zero() || peer.inFlight == 0 || quickest == Duration::max()) return peer.typical;
    return quickest;
  };
  const auto rank = [&](size_t i) {
    const Reader& peer = peers[i];
    const double wait = toSeconds(typicalOf(peer)) * static_cast<double>(peer.inFlight + 1);
    return std::tuple(peer.unwell, peer.failed, peer.otherZone, wait, peer.inFlight);
  };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return rank(a) < rank(b); });
  return order;
}

}  // namespace peerpulse::fanout
