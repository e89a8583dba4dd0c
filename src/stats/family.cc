#include "family.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>

#include "peerpulse/base/assert.h"

namespace peerpulse::stats {

using prometheus::ClientMetric;
using prometheus::MetricType;

Family::Family(std::string name, std::string help, MetricType type) {
  family_.name = std::move(name);
  family_.help = std::move(help);
  family_.type = type;
}

Family Family::counter(std::string name, std::string help) {
  return {std::move(name), std::move(help), MetricType::Counter};
}

Family Family::gauge(std::string name, std::string help) {
  return {std::move(name), std::move(help), MetricType::Gauge};
}

Family Family::histogram(std::string name, std::string help) {
  return {std::move(name), std::move(help), MetricType::Histogram};
}

Family& Family::summingOver(std::initializer_list<std::string_view> labels) {
  PP_ASSERT(labels.size() <= kMaxDropped && family_.metric.empty());
  std::copy(labels.begin(), labels.end(), std::begin(dropped_));
  return *this;
}

bool Family::dropped(std::string_view label) const {
  return std::find(std::begin(dropped_), std::end(dropped_), label) != std::end(dropped_);
}

bool Family::isOf(const ClientMetric& metric, Labels labels) const {
  auto has = metric.label.begin();
  for (const auto& [name, value] : labels) {
    if (dropped(name)) continue;
    if (has == metric.label.end() || has->value != value) return false;
    ++has;
  }
  return true;
}

size_t Family::hashOf(Labels labels) const {
  size_t hash = 0;
  for (const auto& [name, value] : labels) {
    if (!dropped(name)) hash = hash * 31 + std::hash<std::string_view>()(value);
  }
  return hash;
}

ClientMetric& Family::place(Labels labels) {
  if (!dropped_[0].empty()) {
    const size_t hash = hashOf(labels);
    const auto [first, last] = sums_.equal_range(hash);
    const auto found =
        std::find_if(first, last, [&](const auto& sum) { return isOf(family_.metric[sum.second], labels); });
    if (found != last) return family_.metric[found->second];
    sums_.emplace(hash, family_.metric.size());
  }
  ClientMetric& metric = family_.metric.emplace_back();
  for (const auto& [name, value] : labels) {
    if (!dropped(name)) metric.label.push_back({std::string(name), std::string(value)});
  }
  return metric;
}

void Family::add(Labels labels, uint64_t value) {
  ClientMetric& metric = place(labels);
  PP_ASSERT(family_.type != MetricType::Histogram);
  (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) += static_cast<double>(value);
}

void Family::addFraction(Labels labels, double value) {
  PP_ASSERT(family_.type == MetricType::Gauge && dropped_[0].empty());
  place(labels).gauge.value = value;
}

void Family::addAmount(Labels labels, double value) {
  PP_ASSERT(family_.type == MetricType::Counter);
  place(labels).counter.value += value;
}

void Family::add(Labels labels, const Histogram::Snapshot& snapshot) {
  PP_ASSERT(family_.type == MetricType::Histogram);
  auto& histogram = place(labels).histogram;
  if (histogram.bucket.empty()) {
    for (const double bound : snapshot.bounds)
      histogram.bucket.push_back({0, bound});
    histogram.bucket.push_back({0, std::numeric_limits<double>::infinity()});
  }
  PP_ASSERT(histogram.bucket.size() == snapshot.bounds.size() + 1);
  uint64_t cumulative = 0;
  for (size_t i = 0; i < histogram.bucket.size(); ++i) {
    cumulative += snapshot.perBucket[i];
    histogram.bucket[i].cumulative_count += cumulative;
  }
  histogram.sample_count += cumulative;
  histogram.sample_sum += snapshot.sumSeconds;
}

}  // namespace peerpulse::stats
