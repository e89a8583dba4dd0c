// PendingNotices: what a hook was not run for yet: at most one notice per peer. A newer one takes the place of the older,
// which was overtaken, and counts it. A peer is let through once per kGap, the others meanwhile; in the order in which
// their first notice came. Whichever it is, it goes with the latest context.
//
// Threading: none (its owner's lock). No clock. Memory: bounded by the number of peers.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <optional>

#include "peerpulse/hooks/hook_runner.h"

namespace peerpulse::hooks {

struct PendingNotice {
  Notice notice;
  uint32_t dropped = 0;  ///< older ones that it took the place of
};

class PendingNotices {
 public:
  /// True if an older notice was dropped for it.
  bool put(Notice notice);
  /// The first that may be run now.
  std::optional<PendingNotice> take(TimePoint now);
  /// When take() has something; TimePoint::max(): never, as it is now.
  TimePoint nextDue() const;
  size_t size() const { return waiting_.size(); }
  void clear() { waiting_.clear(); }

  static constexpr Duration kGap = seconds(1);

 private:
  TimePoint& allowedAt(PeerId peer) { return allowedAt_[slot(peer)]; }

  std::list<PendingNotice> waiting_;
  std::string context_;
  std::array<TimePoint, kMaxPeers> allowedAt_{};  // by slot
};

}  // namespace peerpulse::hooks
