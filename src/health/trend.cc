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

const Trend::Entry& Trend::Scale::median(Third third) const {
  std::array<const Entry*, kThird> entries{};
  const size_t newest = count_ + (static_cast<size_t>(third) + 1) * kThird - 1;  // modulo the window
  for (size_t i = 0; i < kThird; ++i)
    entries[i] = &entries_[(newest - i) % kWindow];
  const auto middle = entries.begin() + kThird / 2;
  std::nth_element(entries.begin(), middle, entries.end(),
                   [](const Entry* a, const Entry* b) { return a->reading.value() < b->reading.value(); });
  return **middle;
}

bool Trend::Scale::stillFalling() const {
  const auto value = [this](size_t ago) { return entries_[(count_ - 1 - ago) % kWindow].reading.value(); };
  return std::min(value(0), value(1)) < std::min(value(kThird - 2), value(kThird - 1));
}

std::optional<Decline> Trend::Scale::decline() const {
  if (count_ < kWindow) return std::nullopt;
  const Entry& first = median(Third::kOldest);
  const Entry& last = median(Third::kNewest);
  const double from = first.reading.value();
  const double to = last.reading.value();
  if (to > kWarnAt || to > kRemaining * from) return std::nullopt;

  const double middle = logarithm(median(Third::kMiddle).reading.value());
  const double smallerStep = std::min(logarithm(from) - middle, middle - logarithm(to));
  if (smallerStep < kMinStep * (logarithm(from) - logarithm(to)) || !stillFalling()) return std::nullopt;
  return Decline{first.reading, last.reading, last.at - first.at, dominating(first.reading, last.reading)};
}

std::optional<Decline> Trend::add(const ScoreReading& reading, TimePoint now) {
  std::optional<Decline> decline;
  Entry entry{reading, now};
  for (Scale& scale : scales_) {
    scale.add(entry);
    if (!decline.has_value()) decline = scale.decline();
    if (scale.count() % kThird != 0) break;
    entry = scale.median(Third::kNewest);
  }
  if (scales_[0].count() < kWindow) return std::nullopt;

  const double level = scales_[0].median(Third::kNewest).reading.value();
  if (level >= kRecovered) warned_ = false;
  const bool tooSoon = lastWarning_.has_value() && now - *lastWarning_ < kMinInterval;
  if (!decline.has_value() || level > kWarnAt || warned_ || tooSoon) return std::nullopt;
  warned_ = true;
  lastWarning_ = now;
  return decline;
}

void Trend::reset() {
  for (Scale& scale : scales_)
    scale.clear();
  warned_ = false;
}

}  // namespace peerpulse::health
