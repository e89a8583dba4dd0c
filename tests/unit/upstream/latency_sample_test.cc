// Goal: each latency is found again within an eighth of an octave, in order, and what is out of range at its end.
#include "latency_sample.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using peerpulse::upstream::LatencySample;

TEST_CASE("latency sample: exact to an eighth of an octave from 16 us to 137 s") {
  for (Duration latency = microseconds(17); latency < seconds(130); latency = latency * 9 / 8) {
    LatencySample sample;
    sample.add(latency);
    CAPTURE(latency.count());
    CHECK(sample.at(0) >= latency * 93 / 100);
    CHECK(sample.at(0) <= latency * 107 / 100);
  }
}

TEST_CASE("latency sample: the one that so many are below") {
  LatencySample sample;
  for (const int ms : {40, 1, 8, 2, 1000, 16, 4})
    sample.add(milliseconds(ms));
  REQUIRE(sample.count() == 7);
  CHECK(sample.at(0) < milliseconds(2));
  CHECK(sample.at(3) > milliseconds(7));
  CHECK(sample.at(3) < milliseconds(9));
  CHECK(sample.at(6) > milliseconds(900));
  sample.clear();
  CHECK(sample.count() == 0);
  sample.add(milliseconds(4));
  CHECK(sample.at(0) < milliseconds(5));
}

TEST_CASE("latency sample: what is out of range stands at its end") {
  LatencySample sample;
  sample.add(Duration::zero());
  sample.add(Duration(-1));
  sample.add(seconds(10'000));
  CHECK(sample.at(1) < microseconds(20));
  CHECK(sample.at(2) > seconds(120));
}
