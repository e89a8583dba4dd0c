#include "family.h"

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

ClientMetric& Family::append(Labels labels) {
  ClientMetric& metric = family_.metric.emplace_back();
  for (const auto& [name, value] : labels)
    metric.label.push_back({std::string(name), std::string(value)});
  return metric;
}

void Family::add(Labels labels, uint64_t value) {
  ClientMetric& metric = append(labels);
  PP_ASSERT(family_.type != MetricType::Histogram);
  (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = static_cast<double>(value);
}

void Family::addFraction(Labels labels, double value) {
  PP_ASSERT(family_.type == MetricType::Gauge);
  append(labels).gauge.value = value;
}

void Family::add(Labels labels, const Histogram::Snapshot& snapshot) {
  PP_ASSERT(family_.type == MetricType::Histogram);
  auto& histogram = append(labels).histogram;
  uint64_t cumulative = 0;
  for (size_t i = 0; i < snapshot.bounds.size(); ++i) {
    cumulative += snapshot.perBucket[i];
    histogram.bucket.push_back({cumulative, snapshot.bounds[i]});
  }
  cumulative += snapshot.perBucket[snapshot.bounds.size()];
  histogram.bucket.push_back({cumulative, std::numeric_limits<double>::infinity()});
  histogram.sample_count = cumulative;
  histogram.sample_sum = snapshot.sumSeconds;
}

}  // namespace peerpulse::stats
