// Family: builds one prometheus::MetricFamily; the one place that knows prometheus-cpp's structs.
//
// Threading: a value; no sharing.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <prometheus/metric_family.h>

#include "peerpulse/stats/histogram.h"

namespace peerpulse::stats {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class Family {
 public:
  static Family counter(std::string name, std::string help);
  static Family gauge(std::string name, std::string help);
  static Family histogram(std::string name, std::string help);

  /// What is added from now on loses these labels, and what differed by them alone becomes one sum. Of static storage.
  Family& summingOver(std::initializer_list<std::string_view> labels);

  /// Of a counter or gauge.
  void add(Labels labels, uint64_t value);
  /// Of a gauge; not of one that is summed: what has fractions is a mean or a quantile.
  void addFraction(Labels labels, double value);
  /// Of a counter of something that has fractions (seconds).
  void addAmount(Labels labels, double value);
  /// Of a histogram. All of a family have the same bounds.
  void add(Labels labels, const Histogram::Snapshot& snapshot);

  prometheus::MetricFamily take() { return std::move(family_); }

 private:
  static constexpr size_t kMaxDropped = 2;

  Family(std::string name, std::string help, prometheus::MetricType type);
  bool dropped(std::string_view label) const;
  size_t hashOf(Labels labels) const;
  bool isOf(const prometheus::ClientMetric& metric, Labels labels) const;
  /// The one with these labels: a new one, unless it is a sum that has begun.
  prometheus::ClientMetric& place(Labels labels);

  prometheus::MetricFamily family_;
  std::string_view dropped_[kMaxDropped];
  std::unordered_multimap<size_t, size_t> sums_;  // hash of the values that are left -> place in the family
};

}  // namespace peerpulse::stats
