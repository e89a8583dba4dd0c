#include "../../../src/stats/family.h"

#include <array>
#include <cmath>

#include <doctest/doctest.h>

#include "../../support/aborts.h"

using namespace peerpulse;
using peerpulse::test::aborts;
using prometheus::MetricType;
using stats::Family;
using stats::Histogram;

namespace {
constexpr std::array<double, 2> kBounds = {0.01, 0.1};
}

TEST_CASE("family: one metric per set of labels, in the order of adding") {
  Family family = Family::counter("x_total", "help");
  family.add({{"peer", "a"}, {"to", "b"}}, 7);
  family.add({}, 8);
  const prometheus::MetricFamily metrics = family.take();
  CHECK(metrics.name == "x_total");
  CHECK((metrics.type == MetricType::Counter));
  REQUIRE(metrics.metric.size() == 2);
  REQUIRE(metrics.metric[0].label.size() == 2);
  CHECK(metrics.metric[0].label[1].name == "to");
  CHECK(metrics.metric[0].label[1].value == "b");
  CHECK(metrics.metric[0].counter.value == 7);
  CHECK(metrics.metric[1].counter.value == 8);
}

TEST_CASE("family: buckets are cumulative, and the last one takes all") {
  Histogram histogram(kBounds);
  for (const double seconds : {0.001, 0.05, 0.05, 3.0})
    histogram.observe(seconds);
  Family family = Family::histogram("x_seconds", "help");
  family.add({}, histogram.snapshot());
  const auto metrics = family.take().metric;
  REQUIRE(metrics.size() == 1);
  const auto& buckets = metrics[0].histogram.bucket;
  REQUIRE(buckets.size() == 3);
  CHECK(buckets[0].cumulative_count == 1);
  CHECK(buckets[1].cumulative_count == 3);
  CHECK(buckets[2].cumulative_count == 4);
  CHECK(std::isinf(buckets[2].upper_bound));
  CHECK(metrics[0].histogram.sample_count == 4);
}

TEST_CASE("family: a value must suit its type") {
  CHECK(aborts([] { Family::histogram("x", "").add({}, 1); }));
  CHECK(aborts([] { Family::counter("x", "").addFraction({}, 0.5); }));
  CHECK_FALSE(aborts([] { Family::gauge("x", "").addFraction({}, 0.5); }));
}

TEST_CASE("family: what differs by a dropped label alone is one sum") {
  Family counter = Family::counter("x_total", "");
  counter.summingOver({"peer"});
  counter.add({{"peer", "a"}, {"to", "b"}}, 7);
  counter.add({{"peer", "a"}, {"to", "c"}}, 1);
  counter.add({{"peer", "d"}, {"to", "b"}}, 8);
  const auto sums = counter.take().metric;
  REQUIRE(sums.size() == 2);
  REQUIRE(sums[0].label.size() == 1);
  CHECK(sums[0].label[0].value == "b");
  CHECK(sums[0].counter.value == 15);
  CHECK(sums[1].counter.value == 1);

  Histogram first(kBounds);
  Histogram second(kBounds);
  first.observe(0.001);
  second.observe(0.05);
  second.observe(3.0);
  Family histogram = Family::histogram("x_seconds", "");
  histogram.summingOver({"peer"});
  histogram.add({{"peer", "a"}}, first.snapshot());
  histogram.add({{"peer", "b"}}, second.snapshot());
  const auto all = histogram.take().metric;
  REQUIRE(all.size() == 1);
  CHECK(all[0].histogram.bucket[0].cumulative_count == 1);
  CHECK(all[0].histogram.bucket[1].cumulative_count == 2);
  CHECK(all[0].histogram.bucket[2].cumulative_count == 3);
  CHECK(all[0].histogram.sample_count == 3);
  CHECK(all[0].histogram.sample_sum == doctest::Approx(3.051));

  Family gauge = Family::gauge("x", "");
  gauge.summingOver({"peer"});
  CHECK(aborts([&] { gauge.addFraction({{"peer", "a"}}, 0.5); }));
}
