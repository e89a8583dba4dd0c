// Goal: after an outage exchanges go in doubling steps, whatever the jitter, and after 200 ms without a limit.
#include "admission_ramp.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::upstream;

namespace {

const TimePoint kStart = TimePoint(seconds(1000));

// How many of `wanted` go at `now`.
uint32_t admitted(AdmissionRamp& ramp, TimePoint now, uint32_t wanted = 10'000) {
  uint32_t count = 0;
  while (count < wanted && ramp.admit(now))
    ++count;
  return count;
}

}  // namespace

TEST_CASE("ramp: without an outage there is no limit") {
  AdmissionRamp ramp;
  CHECK_FALSE(ramp.ramping(kStart));
  CHECK(admitted(ramp, kStart) == 10'000);
}

TEST_CASE("ramp: each step admits twice as many, then all") {
  AdmissionRamp ramp;
  ramp.start(kStart, 0);
  const struct {
    Duration at;
    uint32_t expected;
  } steps[] = {{Duration::zero(), 1},    {milliseconds(24), 0},   {milliseconds(25), 2},      {milliseconds(50), 4},
               {milliseconds(75), 8},    {milliseconds(100), 16}, {milliseconds(125), 32},    {milliseconds(150), 64},
               {milliseconds(175), 128}, {milliseconds(199), 0},  {milliseconds(200), 10'000}};
  for (const auto& step : steps) {
    CAPTURE(step.at.count());
    CHECK(admitted(ramp, kStart + step.at) == step.expected);
  }
}

TEST_CASE("ramp: what a step leaves over is not kept, and a skipped step is no loss") {
  AdmissionRamp ramp;
  ramp.start(kStart, 0);
  CHECK(admitted(ramp, kStart + milliseconds(75), 3) == 3);
  CHECK(admitted(ramp, kStart + milliseconds(99)) == 5);
  CHECK(admitted(ramp, kStart + milliseconds(150)) == 64);
}

TEST_CASE("ramp: the next step is after now, and jitter only shortens") {
  for (const double jitter : {-1.0, 0.0, 0.3, 0.999, 1.0, 7.0}) {
    CAPTURE(jitter);
    AdmissionRamp ramp;
    ramp.start(kStart, jitter);
    TimePoint now = kStart;
    uint32_t steps = 0, total = 0;
    while (ramp.ramping(now)) {
      total += admitted(ramp, now);
      const TimePoint next = ramp.nextStep(now);
      REQUIRE(next > now);
      REQUIRE(next - now <= milliseconds(25));
      REQUIRE(next - now >= milliseconds(15));
      now = next;
      ++steps;
    }
    CHECK(steps == AdmissionRamp::kSteps);
    CHECK(total == 255);
    CHECK(now - kStart <= AdmissionRamp::kLength);
    CHECK(now - kStart >= milliseconds(120));
    CHECK(admitted(ramp, now) == 10'000);
  }
}

TEST_CASE("ramp: stopped, and started again") {
  AdmissionRamp ramp;
  ramp.start(kStart, 0.5);
  CHECK(admitted(ramp, kStart + milliseconds(100)) > 1);
  ramp.stop();
  CHECK_FALSE(ramp.ramping(kStart + milliseconds(100)));
  ramp.start(kStart + milliseconds(100), 0.5);
  CHECK(admitted(ramp, kStart + milliseconds(100)) == 1);
}
