// Trend: notices that a peer's score falls steadily, before the peer dies.
//
// It looks at the last 15 readings (one per second) as three thirds, and takes each third's median: up to two
// outliers in each, such as the answers after a pause, change nothing. The same is done for the medians of every
// five readings, and of every five of those: declines within about 15 s, 75 s and 6 minutes are seen. A decline is
//   - steady: each median is lower than the one before, and each of the two steps is at least a fifth of the whole
//     fall (of its logarithm: the score is a product), and within the newest third it goes on. One sudden step,
//     and a level that stays bad, are none;
//   - large: to at most 70 % of what it was;
//   - serious: to at most 0.6, and it is there still.
// What the score averages over time (loss, unanswered time, failures) falls steadily by itself when heavy trouble
// goes on for tens of seconds: that is warned of too.
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
  static constexpr size_t kScales = 3;
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
  enum class Third : size_t { kOldest, kMiddle, kNewest };

  /// The last 15 readings, or medians of five of the scale before.
  class Scale {
   public:
    void add(const Entry& entry) { entries_[count_++ % kWindow] = entry; }
    void clear() { count_ = 0; }
    size_t count() const { return count_; }
    const Entry& median(Third third) const;
    bool stillFalling() const;
    std::optional<Decline> decline() const;

   private:
    std::array<Entry, kWindow> entries_{};
    size_t count_ = 0;  // ever added since clear()
  };

  std::array<Scale, kScales> scales_;
  bool warned_ = false;
  std::optional<TimePoint> lastWarning_;
};

}  // namespace peerpulse::health
