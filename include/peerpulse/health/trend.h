// Trend: notices that a peer's score falls steadily, before the peer dies.
//
// It looks at the last 15 readings (one per second) as three thirds, and takes each third's median: up to two
// outliers in each, such as the answers after a pause, change nothing. A decline is
//   - steady: each median is lower than the one before, and each of the two steps is at least a fifth of the whole
//     fall (of its logarithm: the score is a product). One sudden step, and a level that stays bad, are none;
//   - large: to at most 70 % of what it was;
//   - serious: to at most 0.6.
//
// One warning per decline: it warns again once the score was back at 0.8, and never twice within a minute. An
// outage ends a decline, and what it was: reset().
//
// Threading: none. No clock. Memory: fixed.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/time.h"
#include "peerpulse/health/health_score.h"

namespace peerpulse::health {

/// The score fell from one reading to another.
struct Decline {
  ScoreReading from;
  ScoreReading to;
  Duration over{};
  ScoreFactor factor{};  ///< the one that contributed most
};

/// A warning about one peer.
struct Degrading {
  PeerId peer{};
  TimePoint at;
  Decline decline;
};

class Trend {
 public:
  static constexpr size_t kThird = 5;
  static constexpr size_t kWindow = 3 * kThird;
  static constexpr double kRemaining = 0.7;
  static constexpr double kWarnAt = 0.6;
  static constexpr double kRecovered = 0.8;
  static constexpr double kMinStep = 0.2;
  static constexpr Duration kMinInterval = seconds(60);

  /// Returns the decline to warn of, if this reading completes one.
  std::optional<Decline> add(const ScoreReading& reading, TimePoint now);
  /// Forgets the readings.
  void reset();

 private:
  struct Entry {
    ScoreReading reading;
    TimePoint at;
  };

  /// Of the third that begins with the `first` oldest entry.
  const Entry& median(size_t first) const;

  std::array<Entry, kWindow> entries_{};
  size_t count_ = 0;  // ever added since reset()
  bool warned_ = false;
  std::optional<TimePoint> lastWarning_;
};

}  // namespace peerpulse::health
