// Statistics: what a run of many seeds adds up to. Sums only, so the order of the seeds does not matter.
#pragma once

#include <array>
#include <cstdint>

#include "peerpulse/base/time.h"

namespace peerpulse::sim {

/// Of detection times: bins of half a millisecond up to a second, the last one for all beyond.
class Latencies {
 public:
  void add(Duration d);
  void add(const Latencies& other);
  uint64_t count() const { return count_; }
  Duration max() const { return max_; }
  /// The upper end of the bin in which that percentile lies.
  Duration percentile(uint32_t percent) const;

 private:
  static constexpr Duration kBin = microseconds(500);
  std::array<uint64_t, 2001> bins_{};
  uint64_t count_ = 0;
  Duration max_{};
};

/// Loss of a peer's path, the worse direction.
enum class LossClass : uint8_t { kNone, kHalfPercent, kOnePercent, kFivePercent, kMore, kBursts };
inline constexpr size_t kLossClasses = 6;
const char* toString(LossClass lossClass);

struct Statistics {
  uint64_t seeds = 0, violations = 0, events = 0;
  Duration worldTime{}, peerTime{};
  Latencies cleanLan, cleanFast, cleanWan;  ///< cut to dead; no loss, nothing else going on
  Latencies allCuts;
  // A false dead outside the conditions of a violation, and how many the loss explains (checkers.h).
  uint64_t falseDead = 0;
  double falseDeadExpected = 0;
  uint64_t burstDead = 0, fullQueueDead = 0, longPathDead = 0, refusingDead = 0;
  std::array<uint64_t, kLossClasses> suspicions{};
  std::array<Duration, kLossClasses> reachableTime{};
  uint64_t outages = 0;
  uint64_t guarded = 0;  ///< times that the guard would have acted
  uint64_t exchanges = 0, completed = 0, refused = 0, failedInFlight = 0, retries = 0, held = 0, ramped = 0,
           failOpen = 0;
  uint64_t operations = 0, operationAnswers = 0, operationSuccesses = 0, fallbacks = 0;  ///< of the fan-out API

  void add(const Statistics& other);
  /// More false deads than the loss explains: beyond four deviations of Poisson's distribution, and two.
  bool falseDeadRateBroken() const;
};

}  // namespace peerpulse::sim
