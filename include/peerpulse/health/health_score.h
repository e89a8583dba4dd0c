// HealthScore: how much of a peer is left, from 0 (nothing) to 1 (as well as it ever was).
//
//   score = verdict x rtt x loss x answers x exchanges          each from 0 to 1
//
//   verdict    1 alive; 0.5 suspect, stalled; 0 dead, refusing, unknown
//   rtt        min(1, (2 baseline + 2 ms) / rtt)                the least of the last second: how long the path
//                                                               is. Answers that loss and pauses held up count below
//   loss       1 / (1 + loss / 10 %)                            loss: share of answers that came after a gap or never
//   answers    1 - unanswered                                   share of time in which the process owed an answer
//   exchanges  1 - failed / (failed + others + 5)               exchanges; the 5 keep one failure from being all
//
// A product: two troubles are worse than either, and no virtue makes up for a vice. It never rises by more
// trouble, and every healthy peer has 1, however long its path: so scores of different peers can be compared.
//
// The baseline is what the path has been at its best of late: it follows a better round trip within seconds
// (half-life 10 s), and a worse one within minutes (half of the ratio in 5 minutes). A slow but steady path is
// its own normal. Loss and unanswered time are forgotten with a half-life of 15 s, outcomes of exchanges with 30 s.
//
// Time during an outage is unanswered time: a peer that comes back after a blink has most of its score at once,
// one that was gone for long earns it back in a minute. A suspicion counts as 100 ms. Of many answers held up by
// one gap only the first counts as lost: a pause of 300 ms is one trouble, not fifteen.
//
// The verdict counts at once, the other factors are read once per second (ScoreReading): an event costs a few
// additions. Threading: none. No clock: `now` must not go backwards. Memory: fixed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "peerpulse/base/time.h"
#include "peerpulse/health/verdict.h"

namespace peerpulse::health {

enum class ScoreFactor : uint8_t { kRtt, kLoss, kAnswers, kExchanges };
inline constexpr size_t kScoreFactors = 4;
/// "rtt", "loss", "unanswered", "failures".
const char* toString(ScoreFactor factor);

/// All factors but the verdict at one moment, and the numbers they come from.
struct ScoreReading {
  std::array<double, kScoreFactors> factors{1, 1, 1, 1};
  Duration rtt{};  ///< zero if never measured
  Duration baseline{};
  double loss = 0;        ///< share of answers
  double unanswered = 0;  ///< share of time
  double failures = 0;    ///< share of exchanges

  double factor(ScoreFactor f) const { return factors[static_cast<size_t>(f)]; }
  double value() const { return factors[0] * factors[1] * factors[2] * factors[3]; }
};

class HealthScore {
 public:
  explicit HealthScore(TimePoint start) : last_(start), readAt_(start) {}

  /// A round trip.
  void roundTrip(Duration rtt);
  /// An answer; `late`: it must have been sent more than once, or waited for one that was.
  void answered(bool late);
  /// The connection ended before its answers came.
  void lost();
  /// The share of segments that kernels had to send again, as far as known: the worse of this and our own counts.
  void kernelLoss(double share);
  void outcome(bool failed);
  void verdict(Verdict verdict);

  /// Time has passed; at `now` the process had owed answers for longer than it should for `overdue`. Returns true
  /// when a new reading was taken.
  bool advance(TimePoint now, Duration overdue);
  /// Time has passed in which nobody looked (our own loop was late): it says nothing about the peer.
  void skip(TimePoint now);

  /// From 0 to 1.
  double value() const;
  const ScoreReading& reading() const { return reading_; }

  static constexpr Duration kReadingInterval = seconds(1);
  static constexpr Duration kBaselineFalls = seconds(10);  // half-lives
  static constexpr Duration kBaselineRises = seconds(300);
  static constexpr Duration kLossHalfLife = seconds(15);
  static constexpr Duration kUnansweredHalfLife = seconds(15);
  static constexpr Duration kExchangesHalfLife = seconds(30);
  /// Round trips up to twice the baseline and this are nothing to complain of: timers, schedulers, a busy link.
  static constexpr Duration kRttSlack = milliseconds(2);
  /// At this loss half of the score is gone.
  static constexpr double kHalvingLoss = 0.1;
  /// What is assumed to have gone well before anything was counted.
  static constexpr double kPriorAnswers = 20;
  static constexpr double kPriorExchanges = 5;
  /// The unanswered time that a suspicion counts for.
  static constexpr Duration kSuspicion = milliseconds(100);

 private:
  void readRtt(Duration span);
  void read(Duration span);

  Verdict verdict_ = Verdict::kUnknown;
  ScoreReading reading_;

  // Since the last reading.
  TimePoint last_;
  TimePoint readAt_;
  Duration watched_{};  // time that counts
  Duration owed_{};     // of it unanswered
  Duration leastRtt_ = Duration::max();

  // Decaying.
  double answers_ = 0;
  double losses_ = 0;
  double kernelLoss_ = 0;
  double exchanges_ = 0;
  double failures_ = 0;
  bool late_ = false;  // the last answer was
};

}  // namespace peerpulse::health
