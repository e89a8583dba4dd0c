// Family: builds one prometheus::MetricFamily; the one place that knows prometheus-cpp's structs.
//
// Threading: a value; no sharing.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
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

  /// Of a counter or gauge.
  void add(Labels labels, uint64_t value);
  /// Of a gauge.
  void addFraction(Labels labels, double value);
  /// Of a histogram.
  void add(Labels labels, const Histogram::Snapshot& snapshot);

  prometheus::MetricFamily take() { return std::move(family_); }

 private:
  Family(std::string name, std::string help, prometheus::MetricType type);
  prometheus::ClientMetric& append(Labels labels);

  prometheus::MetricFamily family_;
};

}  // namespace peerpulse::stats
