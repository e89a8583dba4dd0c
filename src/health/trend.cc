#include "peerpulse/health/trend.h"

#include <algorithm>
#include <cmath>

namespace peerpulse::health {

namespace {

double logarithm(double value) { return std::log(std::max(value, 1e-3)); }

ScoreFactor dominating(const ScoreReading& from, const ScoreReading& to) {
  size_t worst = 0;
  double worstStep = 0;
  for (size_t i = 0; i < kScoreFactors; ++i) {
    const double step = logarithm(to.factors[i]) - logarithm(from.factors[i]);
    if (step >= worstStep) continue;
    worst = i;
    worstStep = step;
  }
  return static_cast<ScoreFactor>(worst);
}

}  // namespace

std::optional<Decline> Trend::add(const ScoreReading& reading, TimePoint now) {
  entries_[count_ % kWindow] = {reading, now};
  ++count_;
  if (count_ < kWindow) return std::nullopt;

  const Entry& first = median(0);
  const Entry& last = median(2 * kThird);
  const double from = first.reading.value();
  const double to = last.reading.value();
  if (to >= kRecovered) warned_ = false;
  if (warned_ || to > kWarnAt || to > kRemaining * from) return std::nullopt;
  if (lastWarning_.has_value() && now - *lastWarning_ < kMinInterval) return std::nullopt;

  const double fall = logarithm(from) - logarithm(to);
  const double middle = logarithm(median(kThird).reading.value());
  const double steps = std::min(logarithm(from) - middle, middle - logarithm(to));
  if (steps < kMinStep * fall) return std::nullopt;

  warned_ = true;
  lastWarning_ = now;
  return Decline{first.reading, last.reading, last.at - first.at, dominating(first.reading, last.reading)};
}

void Trend::reset() {
  count_ = 0;
  warned_ = false;
}

const Trend::Entry& Trend::median(size_t first) const {
  std::array<const Entry*, kThird> third{};
  for (size_t i = 0; i < kThird; ++i)
    third[i] = &entries_[(count_ + first + i) % kWindow];
  const auto middle = third.begin() + kThird / 2;
  std::nth_element(third.begin(), middle, third.end(), [](const Entry* a, const Entry* b) {
    return a->reading.value() < b->reading.value();
  });
  return **middle;
}

}  // namespace peerpulse::health
