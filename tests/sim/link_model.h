// LinkModel: the path from one host to another, one direction. Packets keep their order unless one is reordered.
//
//   loss      independent per packet, plus bursts (Gilbert-Elliott in time: good and bad spells take turns)
//   delay     fixed, plus jitter uniform in [0, jitter]; a step (rerouting) adds to it
//   cut       nothing passes
#pragma once

#include <cstdint>
#include <optional>

#include "peerpulse/base/time.h"
#include "random.h"

namespace peerpulse::sim {

struct LinkOptions {
  Duration delay{};
  Duration jitter{};
  uint32_t lossPerMillion = 0;
  uint32_t reorderPerMillion = 0;
  Duration reorderBy{};  ///< at most
  // Bad spells, each at most 1.5 times as long as their mean; none when burstEvery is zero.
  Duration burstEvery{};
  Duration burstLength{};
  uint32_t burstLossPerMillion = 0;
};

class LinkModel {
 public:
  void reset(const LinkOptions& options, Random random, TimePoint start);

  /// When a packet sent now arrives, or nothing if it is lost.
  std::optional<TimePoint> carry(TimePoint now);

  void cut(bool on) { cut_ = on; }
  bool isCut() const { return cut_; }
  void addDelay(Duration step) {
    step_ = step;
    lastArrival_ = TimePoint();  // another path: what is on the old one may be overtaken
  }
  bool rerouted() const { return step_ > Duration::zero(); }
  void addLoss(uint32_t perMillion) { extraLoss_ = perMillion; }

  /// The longest a packet that is not lost takes.
  Duration maxDelay() const { return options_.delay + options_.jitter + step_ + maxReorder(); }
  Duration delay() const { return options_.delay + step_; }
  Duration jitter() const { return options_.jitter; }
  uint32_t lossPerMillion() const { return options_.lossPerMillion + extraLoss_; }
  bool bursty() const { return options_.burstEvery > Duration::zero(); }
  /// Whether a bad spell overlapped [from, now].
  bool badSince(TimePoint from, TimePoint now);

 private:
  Duration maxReorder() const { return options_.reorderPerMillion != 0 ? options_.reorderBy : Duration::zero(); }
  void spell(TimePoint now);

  LinkOptions options_;
  Random random_;
  bool cut_ = false;
  Duration step_{};
  uint32_t extraLoss_ = 0;
  bool bad_ = false;
  TimePoint turnsAt_ = TimePoint::max();
  TimePoint lastBad_ = TimePoint::min();
  TimePoint lastArrival_;
};

}  // namespace peerpulse::sim
