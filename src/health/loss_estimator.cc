#include "peerpulse/health/loss_estimator.h"

#include <algorithm>

namespace peerpulse::health {

namespace {

// A ratio of few packets says little: one lost of ten is no loss of 10 %.
constexpr uint64_t kFewPackets = 100;

double ratio(uint64_t part, uint64_t whole) {
  return std::min(1.0, static_cast<double>(part) / static_cast<double>(std::max(whole, kFewPackets)));
}

/// Counters of TCP_INFO wrap; one that went back is another connection's.
uint32_t growth(uint32_t from, uint32_t to) {
  const uint32_t grown = to - from;
  return grown > UINT32_MAX / 2 ? 0 : grown;
}

}  // namespace

LossEstimator::Counts& LossEstimator::bucket(TimePoint now) {
  if (bucketBegan_ == TimePoint() || now - bucketBegan_ >= static_cast<int64_t>(kBuckets) * kBucket) {
    buckets_ = {};
    bucketBegan_ = now;
  }
  while (now - bucketBegan_ >= kBucket) {
    bucketBegan_ += kBucket;
    current_ = (current_ + 1) % kBuckets;
    buckets_[current_] = {};
  }
  return buckets_[current_];
}

void LossEstimator::sample(const SegmentCounters& counters, TimePoint now) {
  Counts& counts = bucket(now);
  counts.sent += growth(last_.sent, counters.sent);
  counts.lostOut += growth(last_.retransmitted, counters.retransmitted);
  counts.received += growth(last_.received, counters.received);
  counts.lostIn += growth(last_.outOfOrder, counters.outOfOrder);
  last_ = counters;
}

void LossEstimator::connectAnswered() {
  if (pending_ == 0) return;  // one that was taken for lost
  --pending_;
  ++answered_;
}

void LossEstimator::settle(bool answering, TimePoint now) {
  Counts& counts = bucket(now);
  counts.answered += answered_;
  if (answering && pending_ > 1) counts.unanswered += pending_ - 1;
  answered_ = 0;
  pending_ = std::min(pending_, 1u);
}

LossEstimator::Counts LossEstimator::sum() const {
  Counts total;
  for (const Counts& counts : buckets_) {
    total.sent += counts.sent;
    total.lostOut += counts.lostOut;
    total.received += counts.received;
    total.lostIn += counts.lostIn;
    total.answered += counts.answered;
    total.unanswered += counts.unanswered;
  }
  return total;
}

double LossEstimator::exchangeLoss() const {
  const Counts total = sum();
  const double bySegments = 1 - (1 - ratio(total.lostOut, total.sent)) * (1 - ratio(total.lostIn, total.received));
  return std::max(bySegments, ratio(total.unanswered, total.answered + total.unanswered));
}

uint32_t LossEstimator::confirmConnects(uint32_t least, uint32_t most) const {
  const double q = exchangeLoss();
  double allLost = 1;
  uint32_t connects = 0;
  while (connects < most && (connects < least || allLost > kAllLost)) {
    allLost *= q;
    ++connects;
  }
  return std::max(connects, least);
}

}  // namespace peerpulse::health
