// Goal: the next disk is a healthy one, elsewhere if it can be, with little to do, and never one twice.
#include "spare_choice.h"

#include <doctest/doctest.h>

using namespace peerpulse::fanout;

TEST_CASE("spare: none that was tried or refuses") {
  CHECK_FALSE(chooseSpare({}));
  CHECK_FALSE(chooseSpare({{.tried = true, .scoreMillis = 1000}, {.open = true, .scoreMillis = 1000}}));
  CHECK(chooseSpare({{.tried = true, .scoreMillis = 1000}, {.scoreMillis = 1}}) == 1);
}

TEST_CASE("spare: health before zone, zone before load") {
  CHECK(chooseSpare({{.scoreMillis = 400, .otherZone = true}, {.scoreMillis = 1000, .inFlight = 9}}) == 1);
  CHECK(chooseSpare({{.scoreMillis = 1000}, {.scoreMillis = 1000, .otherZone = true, .inFlight = 9}}) == 1);
  CHECK(chooseSpare({{.scoreMillis = 1000, .inFlight = 2}, {.scoreMillis = 1000, .inFlight = 1}}) == 1);
  CHECK(chooseSpare({{.scoreMillis = 1000}, {.scoreMillis = 1000}}) == 0);
}
