// RttEstimator: the path's round-trip time, smoothed (RFC 6298) for the detector's limits, and the
// distribution of the last 256 answers for people.
//
// The two differ on purpose. After a pause of the peer's process, or a retransmission, the answers to many
// pipelined PINGs arrive together; the round trips of all but the last hold the pause, not the path. Of such
// a burst only the smallest enters the smoothed value, or each pause would stretch the limits of detection.
//
// Threading: none. Memory: fixed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "peerpulse/base/time.h"

namespace peerpulse::health {

/// The round trip of a path, as the limits of detection take it.
struct PathRtt {
  bool measured = false;
  Duration smoothed{};
  Duration variation{};

  /// The longest that an answer usually takes.
  Duration longest() const { return 5 * smoothed / 4 + 4 * variation; }
};

class RttEstimator {
 public:
  static constexpr size_t kWindow = 256;

  /// Answers that arrive closer together than `spacing` belong to one burst: a fraction of the interval at
  /// which the probes were sent.
  explicit RttEstimator(Duration spacing) : spacing_(spacing) {}

  /// One round trip, ended at `now`. `now` must not go backwards.
  void add(Duration sample, TimePoint now);
  /// The same over a path that is another one than before: what was smoothed is forgotten.
  void restart(Duration sample, TimePoint now);

  bool measured() const { return measured_; }
  /// Zero until measured().
  Duration smoothed() const { return smoothed_; }
  Duration variation() const { return variation_; }

  PathRtt path() const { return {measured_, smoothed_, variation_}; }

  Duration last() const { return last_; }
  /// The value that `percent` of the window's samples do not exceed; zero when there are none. O(window).
  Duration percentile(unsigned percent) const;

 private:
  void smooth(Duration sample);

  Duration spacing_;
  bool measured_ = false;
  Duration smoothed_{};
  Duration variation_{};
  Duration last_{};
  Duration burstMin_{};  // of the burst that may still go on
  TimePoint burstLast_;
  std::array<uint32_t, kWindow> window_{};  // microseconds
  size_t count_ = 0;                        // samples ever added
};

}  // namespace peerpulse::health
