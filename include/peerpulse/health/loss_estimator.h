// LossEstimator: the share of packets that the path to one peer loses, from what the kernel counts on the probe
// connection and from fresh connects, over the last minute. From it, how many connects a confirm needs (K).
//
//   out  retransmitted / sent segments: lost on the way to the peer, or their ACKs on the way back
//   in   out-of-order / received segments: lost on the way from the peer
//
// A connect is lost if its SYN or the answer is: q = 1 - (1 - out)(1 - in). All K of them are lost with q^K,
// taken for independent; K is the smallest that keeps this at or below kAllLost.
//
// Threading: none. Memory: fixed. Whole numbers and products only, so that a run is the same everywhere.
#pragma once

#include <array>
#include <cstdint>

#include "peerpulse/base/time.h"

namespace peerpulse::health {

/// Of one TCP connection, since it was opened (TCP_INFO).
struct SegmentCounters {
  uint32_t sent = 0;
  uint32_t retransmitted = 0;
  uint32_t received = 0;
  uint32_t outOfOrder = 0;
};

class LossEstimator {
 public:
  /// The counters of a new connection begin at zero.
  void connectionBegan() { last_ = {}; }
  void sample(const SegmentCounters& counters, TimePoint now);
  // Fresh connects of a cadence: what is sent and answered is counted; settle(), once in a while, takes those that
  // are still not answered for lost, but the youngest. `answering` is false when the peer answers none at all: it
  // is out or does not accept, and that is no loss.
  void connectSent() { ++pending_; }
  /// It could not leave this host.
  void connectNotSent() { pending_ -= pending_ > 0 ? 1 : 0; }
  void connectAnswered();
  void settle(bool answering, TimePoint now);

  /// That an exchange of two packets fails: q.
  double exchangeLoss() const;
  /// K, within [least, most].
  uint32_t confirmConnects(uint32_t least, uint32_t most) const;

  /// Four connects at 1 % loss each way.
  static constexpr double kAllLost = 1.6e-7;
  static constexpr Duration kBucket = seconds(10);
  static constexpr size_t kBuckets = 6;

 private:
  struct Counts {
    uint64_t sent = 0, lostOut = 0, received = 0, lostIn = 0, answered = 0, unanswered = 0;
  };
  Counts& bucket(TimePoint now);
  Counts sum() const;

  std::array<Counts, kBuckets> buckets_{};
  TimePoint bucketBegan_;
  size_t current_ = 0;
  SegmentCounters last_;
  uint32_t pending_ = 0;   // connects neither answered nor taken for lost
  uint32_t answered_ = 0;  // since the last settle()
};

}  // namespace peerpulse::health
