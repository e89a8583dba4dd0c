#include "erasure_writer/statistics.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "erasure_writer/latency_histogram.h"
#include "erasure_writer/stall_meter.h"

using namespace peerpulse;
using namespace peerpulse::erasure_writer;

namespace {

const TimePoint kStart = TimePoint(seconds(1000));

ResponseResult result(int status, Duration from, Duration to, const std::string& error = "") {
  ResponseResult made;
  made.status = status;
  made.error = error;
  made.started = kStart + from;
  made.ended = kStart + to;
  return made;
}

}  // namespace

TEST_CASE("LatencyHistogram: quantiles within one bucket of the truth") {
  LatencyHistogram histogram;
  CHECK(histogram.quantileMillis(0.99) == 0);
  for (int i = 1; i <= 1000; ++i)
    histogram.record(milliseconds(i));
  CHECK(histogram.count() == 1000);
  CHECK(histogram.quantileMillis(0.5) == doctest::Approx(500).epsilon(0.07));
  CHECK(histogram.quantileMillis(0.99) == doctest::Approx(990).epsilon(0.07));
  CHECK(histogram.quantileMillis(1) == 1000);
  CHECK(histogram.maxMillis() == 1000);
}

TEST_CASE("LatencyHistogram: every size has a bucket that holds it") {
  for (int64_t micros = 0; micros < int64_t{1} << 34; micros = micros * 3 / 2 + 1) {
    LatencyHistogram histogram;
    histogram.record(microseconds(micros));
    histogram.record(seconds(3'600'000));
    CAPTURE(micros);
    const double got = histogram.quantileMillis(0.5) * 1000;
    CHECK(got >= static_cast<double>(micros));
    CHECK(got <= static_cast<double>(micros) * 1.0626 + 1);
  }
}

TEST_CASE("StallMeter: the longest gap, start and end included") {
  StallMeter stall(kStart);
  stall.onProgress(kStart + milliseconds(30));
  stall.onProgress(kStart + milliseconds(130));
  stall.onProgress(kStart + milliseconds(150));
  CHECK(stall.longest() == milliseconds(100));
  CHECK(stall.longestStart() == kStart + milliseconds(30));
  stall.onProgress(kStart + milliseconds(400));
  CHECK(stall.longest() == milliseconds(250));
}

TEST_CASE("Statistics: summary") {
  Statistics statistics(kStart, {"a:1", "b:2"});
  statistics.onRequestDone(0, 0, "obj", 0, result(201, milliseconds(0), milliseconds(10)));
  statistics.onRequestDone(1, 5, "obj", 2, result(503, milliseconds(5), milliseconds(6)));
  statistics.onRequestDone(1, 6, "obj", 2, result(0, milliseconds(7), milliseconds(50), "timeout"));
  statistics.onStripeDone(600);
  statistics.onObjectDone();
  statistics.finish(kStart + seconds(1));
  const auto summary = statistics.summary();
  CHECK(summary["seconds"] == 1.0);
  CHECK(summary["bytes"] == 600);
  CHECK(summary["objects"] == 1);
  CHECK(summary["chunks_ok"] == 1);
  CHECK(summary["chunks_failed"] == 2);
  // Failures are no progress.
  CHECK(summary["longest_stall_ms"] == 990.0);
  CHECK(summary["longest_stall_start_ns"] == 1'000'010'000'000);
  CHECK(summary["peers"][0]["requests"] == 1);
  CHECK(summary["peers"][0]["errors"] == 0);
  CHECK(summary["peers"][1]["errors"] == 2);
  REQUIRE(summary["failures"].size() == 2);
  CHECK(summary["failures"][0]["reason"] == "status 503");
  CHECK(summary["failures"][0]["peer"] == "b:2");
  CHECK(summary["failures"][0]["start_ns"] == 1'000'005'000'000);
  CHECK(summary["failures"][0]["t_ns"] == 1'000'006'000'000);
  CHECK(summary["failures"][1]["reason"] == "timeout");
  CHECK(summary["failures_omitted"] == 0);
}

TEST_CASE("Statistics: the list of failures is bounded") {
  Statistics statistics(kStart, {"a:1"});
  for (int i = 0; i < 5000; ++i)
    statistics.onRequestDone(0, 0, "o", 0, result(500, {}, milliseconds(1)));
  const auto summary = statistics.summary();
  CHECK(summary["failures"].size() == 4096);
  CHECK(summary["failures_omitted"] == 5000 - 4096);
  CHECK(summary["chunks_failed"] == 5000);
}
