#include "link_model.h"

#include <algorithm>

namespace peerpulse::sim {

void LinkModel::reset(const LinkOptions& options, Random random, TimePoint start) {
  *this = LinkModel();
  options_ = options;
  random_ = random;
  lastArrival_ = start;
  if (bursty()) turnsAt_ = start + random_.between(Duration::zero(), 2 * options_.burstEvery);
}

void LinkModel::spell(TimePoint now) {
  while (now >= turnsAt_) {
    bad_ = !bad_;
    const Duration mean = bad_ ? options_.burstLength : options_.burstEvery;
    if (!bad_) lastBad_ = turnsAt_;
    turnsAt_ += random_.between(mean / 2, 3 * mean / 2);
  }
}

bool LinkModel::badSince(TimePoint from, TimePoint now) {
  spell(now);
  return bad_ || lastBad_ >= from;
}

std::optional<TimePoint> LinkModel::carry(TimePoint now) {
  if (cut_) return std::nullopt;
  if (now >= turnsAt_) spell(now);
  const uint32_t loss = bad_ ? options_.burstLossPerMillion : options_.lossPerMillion;
  if (random_.chance(loss + extraLoss_)) return std::nullopt;
  TimePoint arrival = now + options_.delay + step_;
  if (options_.jitter > Duration::zero()) arrival += random_.between(Duration::zero(), options_.jitter);
  if (random_.chance(options_.reorderPerMillion)) {
    return arrival + random_.between(Duration::zero(), options_.reorderBy);
  }
  lastArrival_ = std::max(lastArrival_, arrival);
  return lastArrival_;
}

}  // namespace peerpulse::sim
