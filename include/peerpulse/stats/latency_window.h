// LatencyWindow: how long a peer took to answer, of late: a histogram in logarithmic buckets (an eighth of an octave each, so
// that a value is overstated by at most 12.5 %, and never understated) over a window that slides in four parts, and beside it
// the last 32 values, which tell at once when the peer has become slower.
//
// A part lasts a quarter of the window, and at least kMinPerPart values: a busy peer is judged by its last minute, rare pauses
// included, a quiet one by its last few hundred answers, however old.
//
// What ended before its answer is a value, too, or a timeout made from the values would be fed by what it cut off, and shrink:
//   answered()     the value
//   unanswered()   a deadline passed: it would have taken so long, or longer. Counts as no less than the 99th percentile, which
//                  therefore falls only while fewer than one exchange in a hundred ends like this. How long was waited is kept
//                  for one window beside the values: what is slow by nature among many quick ones shows in no percentile
//   abandoned()    nobody wanted it any more. Says something only if it was late already: that it would have taken longer still.
//                  No more than that, or hedged reads, which give up whoever is late, would hold the percentile where it is
//
// Threading: any thread may record and read, lock-free (relaxed atomics); of values recorded while a part begins some may be
//   lost. No clock: times come in. Memory: fixed, 3 KiB.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "peerpulse/base/time.h"

namespace peerpulse::stats {

class LatencyWindow {
 public:
  static constexpr size_t kParts = 4;
  static constexpr uint32_t kMinPerPart = 64;
  static constexpr size_t kRecent = 32;
  /// Beyond this percentile an exchange is late.
  static constexpr unsigned kLate = 95;
  /// What is less counts as this (65.5 us), what is more as kMax (137 s).
  static constexpr Duration kMin = nanoseconds(int64_t{1} << 16);
  static constexpr Duration kMax = nanoseconds(int64_t{1} << 37);
  static constexpr size_t kBuckets = 1 + 8 * (37 - 16);

  /// The values of one moment.
  class Snapshot {
   public:
    uint64_t samples() const { return samples_; }
    /// What `percent` of the values do not exceed; zero if there are none. `percent` is from 1 to 100.
    Duration percentile(unsigned percent) const;
    /// What an eighth of the last 32 values reach or exceed; zero if there are fewer than 8.
    Duration recentHigh() const { return recentHigh_; }
    /// Nearly the worst that is to be expected: the 99th percentile, or what the last values say if that is more.
    Duration high() const;
    /// The longest that was waited in vain in the window before `now`; zero: never.
    Duration waitedInVain(TimePoint now, Duration window) const;

   private:
    friend class LatencyWindow;
    std::array<uint64_t, kBuckets> counts_{};
    uint64_t samples_ = 0;
    Duration recentHigh_{};
    Duration inVain_{};
    TimePoint inVainAt_{};
  };

  /// `window`: how long the values of a busy peer count.
  void answered(Duration took, TimePoint now, Duration window) { record(bucketOf(took), now, window); }
  void unanswered(Duration waited, TimePoint now, Duration window);
  void abandoned(Duration waited, TimePoint now, Duration window);

  Snapshot snapshot() const;
  /// When the newest value was recorded; TimePoint::min() if none ever was.
  TimePoint lastAt() const { return TimePoint(Duration(lastAt_.load(std::memory_order_relaxed))); }

 private:
  using Part = std::array<std::atomic<uint32_t>, kBuckets>;
  static constexpr int64_t kNever = INT64_MIN;

  static size_t bucketOf(Duration value);
  static Duration upperBound(size_t bucket);
  void record(size_t bucket, TimePoint now, Duration window);
  void rotate(int64_t now, Duration window);
  Duration recentHigh() const;

  std::array<Part, kParts> parts_{};
  std::atomic<size_t> current_{0};
  std::atomic<uint32_t> inCurrent_{0};
  std::atomic<int64_t> since_{kNever};  // the current part
  std::atomic<int64_t> lastAt_{kNever};
  std::atomic<int64_t> inVain_{0};  // nanoseconds
  std::atomic<int64_t> inVainAt_{kNever};
  std::array<std::atomic<uint8_t>, kRecent> recent_{};  // the bucket and one; 0: none yet
  std::atomic<size_t> next_{0};                         // in recent_
};

}  // namespace peerpulse::stats
