// Governor: how many exchanges of one class may wait for one peer's answer. A peer that has become slow must not fill the
// queues of everybody who works with others, too; one that is not slow is left alone, however much it is given to do.
//
//   Free --two looks in a row: slow, and more than the floor waits--> Limiting --eight looks: not slow, none refused--> Free
//   Limiting --for `relearn`, where limits are enforced--> Measuring (at the floor) --one look, or none in time--> Limiting
//   any --reset()--> Free
//
// Slow is a median latency above `tolerance` times the baseline and above `slowFrom`. Free has no limit: bursts of a
// healthy peer are no concern of ours. Limiting begins with as many exchanges as the peer had when it was quick, at the
// most; each look then multiplies it by the ratio of what would not be slow to what was measured (from half, where that is
// slow, to twice, where there is much room) and adds its square root, which lets small limits grow faster than large ones
// and so makes shares of one peer alike (gradient of latency, as in Envoy's adaptive_concurrency and Netflix's Gradient2).
// Where theirs went astray, this one differs:
//   - a healthy peer's load is never cut to measure the baseline: it is learnt from what is there, falls within a few looks,
//     and rises within `relearn`. Only where there has been a limit for so long, one look is made at the floor: who is as slow
//     with next to nothing to do is so by nature, and its baseline may double. The times of limits that follow each other soon
//     count together: one that is only just slow would be let go and limited for ever. So overload does not become the
//     baseline, and the limit does not creep up with it; unless others overload the peer as long, and then it does within
//     minutes;
//   - after a change of the limit only exchanges sent since then count: what a queue of before has cost says nothing of it;
//   - a limit that is not used does not grow; without exchanges nothing changes;
//   - a peer that answers nothing at all gives no latencies: those who have waited for some time count with that. But who
//     waits while another, sent later, is answered quickly, waits by its own nature: a long poll accuses nobody.
//
// Latency is the time from the last byte of a request, its body's end with it, to the answer's head: it does not depend on
// sizes, nor on the pace of a client.
//
// Pure: time comes in; it is the loop's own time, so that our pauses are nobody's latency. Threading: one per worker, peer
// and class, none shared: workers that limit the same peer come to like shares by themselves.
#pragma once

#include <cstdint>
#include <optional>

#include "latency_sample.h"
#include "peerpulse/base/time.h"
#include "peerpulse/upstream/governor_options.h"

namespace peerpulse::upstream {

class Governor {
 public:
  enum class State : uint8_t { kFree, kLimiting, kMeasuring };
  /// Latencies that a look must have; those who wait may stand in for them.
  static constexpr uint32_t kLeastSamples = 8;
  static constexpr uint32_t kSlowLooks = 2;
  static constexpr uint32_t kCalmLooks = 8;

  explicit Governor(const GovernorOptions& options) : options_(options) {}

  /// Changed by a reload.
  void configure(const GovernorOptions& options) { options_ = options; }
  /// The peer was away: what was learnt of it may be of another process.
  void reset();

  // The life of one exchange: mayEnter(), enter(), owe() once all of it is sent, again() if that was in vain, and one of
  // answered() and left().
  /// False, and counted: as many as may wait already.
  bool mayEnter(TimePoint now);
  void enter();
  /// Its client owes the next byte, and no more: meanwhile it waits for nobody.
  void pause() { --inFlight_; }
  void resume() { enter(); }
  /// All of the request is sent. The number tells those that were sent before something from those after it.
  uint64_t owe();
  void again(uint64_t number) { forget(number); }
  void answered(uint64_t number, Duration latency, TimePoint now);
  /// Without an answer that says something. `number`: 0 if it was not owed. `waited`: it was given up because it took so
  /// long, be it by our deadline or its client's; zero: for another reason.
  void left(uint64_t number, Duration waited);

  State state() const { return state_; }
  bool limiting() const { return state_ != State::kFree; }
  /// Of those in flight; nothing while Free.
  std::optional<uint32_t> limit() const { return limiting() ? std::optional(limit_) : std::nullopt; }
  uint32_t inFlight() const { return inFlight_; }
  /// What mayEnter() has refused, since this began to limit.
  uint64_t refused() const { return refused_; }
  /// Nothing until the first look.
  std::optional<Duration> baseline() const { return baseline_; }
  /// At the last look.
  Duration latency() const { return latency_; }
  /// What is slower is slow.
  Duration threshold() const;

 private:
  void enter(State to);
  void look(TimePoint now);
  Duration leastAccusation() const;
  void judge(Duration median, bool answered, TimePoint now);
  void learn(Duration median, bool slow, Duration passed);
  void raiseBaseline(Duration median);
  void judgeFree(Duration median, bool slow, bool answered, TimePoint now);
  void judgeLimiting(Duration median, bool slow, TimePoint now);
  void judgeMeasured(Duration median, TimePoint now);
  void endMeasuring(TimePoint now);
  void setLimit(double limit);
  void begin(TimePoint now);
  void markWaiting(TimePoint now);
  void excuse();
  void forget(uint64_t number);

  GovernorOptions options_;
  State state_ = State::kFree;
  uint32_t limit_ = 0;  // while limiting

  uint32_t inFlight_ = 0;
  uint32_t owed_ = 0;          // of these, sent
  uint64_t number_ = 0;        // of the last one sent
  uint64_t changedAfter_ = 0;  // those up to this number were sent under another limit
  uint64_t excusedUpTo_ = 0;   // those up to this number accuse nobody by their waiting
  uint32_t excused_ = 0;       // of those owed

  // The look that is being made.
  TimePoint lookAt_;
  TimePoint begunAt_;
  TimePoint markedAt_;
  uint64_t markedUpTo_ = 0;  // those that waited then
  uint32_t waiting_ = 0;     // of these, those that still do and are not excused
  uint32_t peak_ = 0;
  uint32_t refusedNow_ = 0;
  LatencySample sample_;

  std::optional<Duration> baseline_;
  Duration latency_{};
  double usual_ = 0;         // in flight at the most, while quick
  uint32_t peakBefore_ = 0;  // of the last quick look: the one before a slow look has its beginning in it
  uint32_t slowLooks_ = 0;
  uint32_t calmLooks_ = 0;
  TimePoint since_;        // Limiting, Measuring, or Free and slow with next to nothing to do
  Duration limitedFor_{};  // before it was let go, at freedAt_
  std::optional<TimePoint> freedAt_;
  double limitBefore_ = 0;    // while measuring
  Duration latencyBefore_{};  // the same
  uint64_t refused_ = 0;
};

}  // namespace peerpulse::upstream
