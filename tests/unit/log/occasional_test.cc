// Goal: the first of many is told at once, and then one per interval, however many there are.
#include "peerpulse/log/occasional.h"

#include <doctest/doctest.h>

using namespace peerpulse;

TEST_CASE("occasional: the first at once, then one per interval") {
  log::Occasional occasional(milliseconds(100));
  const TimePoint start = TimePoint() + seconds(5);
  int told = 0;
  for (int i = 0; i < 1000; ++i) {
    if (occasional.due(start + milliseconds(i))) ++told;
    if (i == 0) CHECK(told == 1);
  }
  CHECK(told == 10);
  CHECK(occasional.due(start + seconds(60)));
}
