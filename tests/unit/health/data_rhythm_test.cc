// Goal: data is dense after a few fresh looks, survives the one late look of its sudden end, and is forgotten by
// sparse data or answered PINGs.
#include "peerpulse/health/data_rhythm.h"

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

struct Fixture {
  DataRhythm rhythm{milliseconds(20)};
  void heard(int times, Duration age) {
    for (int i = 0; i < times; ++i)
      rhythm.heard(age);
  }
};

TEST_CASE_FIXTURE(Fixture, "data_rhythm: four fresh looks make it dense") {
  heard(3, milliseconds(4));
  CHECK_FALSE(rhythm.dense());
  heard(1, milliseconds(4));
  CHECK(rhythm.dense());
}

TEST_CASE_FIXTURE(Fixture, "data_rhythm: its end is found by one old stamp, and that look must not forget it") {
  heard(100, milliseconds(1));
  heard(1, milliseconds(14));
  CHECK(rhythm.dense());
}

TEST_CASE_FIXTURE(Fixture, "data_rhythm: sparse data never is, or no longer") {
  heard(100, milliseconds(5));
  CHECK_FALSE(rhythm.dense());
  heard(100, milliseconds(1));
  heard(5, milliseconds(6));
  CHECK_FALSE(rhythm.dense());
}

TEST_CASE_FIXTURE(Fixture, "data_rhythm: PINGs answered without data end it") {
  heard(100, milliseconds(1));
  rhythm.pingAnswered();
  rhythm.pingAnswered();
  rhythm.pingAnswered();
  CHECK_FALSE(rhythm.dense());
}

}  // namespace
}  // namespace peerpulse::health
