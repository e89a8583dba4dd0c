#include "statistics.h"

#include <algorithm>
#include <cmath>

namespace peerpulse::sim {

void Latencies::add(Duration d) {
  ++bins_[std::min<size_t>(static_cast<size_t>(d / kBin), bins_.size() - 1)];
  ++count_;
  max_ = std::max(max_, d);
}

void Latencies::add(const Latencies& other) {
  for (size_t i = 0; i < bins_.size(); ++i)
    bins_[i] += other.bins_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

Duration Latencies::percentile(uint32_t percent) const {
  uint64_t left = (count_ * percent + 99) / 100;
  for (size_t i = 0; i + 1 < bins_.size(); ++i) {
    if (bins_[i] >= left) return std::min<Duration>(kBin * static_cast<int64_t>(i + 1), max_);
    left -= bins_[i];
  }
  return max_;
}

const char* toString(LossClass lossClass) {
  constexpr std::array<const char*, kLossClasses> kNames = {"0", "<=0.5%", "<=1%", "<=5%", ">5%", "bursts"};
  return kNames[static_cast<size_t>(lossClass)];
}

void Statistics::add(const Statistics& o) {
  seeds += o.seeds;
  violations += o.violations;
  events += o.events;
  worldTime += o.worldTime;
  peerTime += o.peerTime;
  cleanLan.add(o.cleanLan);
  cleanFast.add(o.cleanFast);
  cleanWan.add(o.cleanWan);
  allCuts.add(o.allCuts);
  falseDead += o.falseDead;
  falseDeadExpected += o.falseDeadExpected;
  burstDead += o.burstDead;
  fullQueueDead += o.fullQueueDead;
  longPathDead += o.longPathDead;
  refusingDead += o.refusingDead;
  for (size_t i = 0; i < kLossClasses; ++i) {
    suspicions[i] += o.suspicions[i];
    reachableTime[i] += o.reachableTime[i];
  }
  outages += o.outages;
  guarded += o.guarded;
  exchanges += o.exchanges;
  completed += o.completed;
  refused += o.refused;
  failedInFlight += o.failedInFlight;
  retries += o.retries;
  held += o.held;
  ramped += o.ramped;
  failOpen += o.failOpen;
  operations += o.operations;
  operationAnswers += o.operationAnswers;
  operationSuccesses += o.operationSuccesses;
  fallbacks += o.fallbacks;
}

bool Statistics::falseDeadRateBroken() const {
  return static_cast<double>(falseDead) > falseDeadExpected + 4 * std::sqrt(falseDeadExpected) + 2;
}

}  // namespace peerpulse::sim
