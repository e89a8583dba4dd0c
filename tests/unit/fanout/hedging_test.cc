// Goal: each leg is late once, at its own time, and never after its end.
#include "hedging.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using peerpulse::fanout::Hedging;

TEST_CASE("hedging: nobody is late before his time, and each only once") {
  Hedging hedging(3);
  const TimePoint start{seconds(1)};
  CHECK(hedging.next() == TimePoint::max());
  CHECK_FALSE(hedging.takeLate(start));
  hedging.onBegun(0, start + milliseconds(20));
  hedging.onBegun(1, start + milliseconds(10));
  hedging.onBegun(2, start + milliseconds(5));
  hedging.onEnded(2);
  CHECK(hedging.next() == start + milliseconds(10));
  CHECK_FALSE(hedging.takeLate(start + milliseconds(9)));
  CHECK(hedging.takeLate(start + milliseconds(20)) == 1);
  CHECK(hedging.takeLate(start + milliseconds(20)) == 0);
  CHECK_FALSE(hedging.takeLate(start + seconds(1)));
  CHECK(hedging.next() == TimePoint::max());
}

TEST_CASE("hedging: without legs there is nobody") {
  Hedging hedging(0);
  CHECK(hedging.next() == TimePoint::max());
  CHECK_FALSE(hedging.takeLate(TimePoint::max()));
}
