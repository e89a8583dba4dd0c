// Goal: reads go where they are answered soonest, and near first; who is in doubt comes last.
#include "read_order.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::fanout;

using Order = std::vector<size_t>;

TEST_CASE("read order: as they came, if nothing tells them apart") {
  CHECK(readOrder({}).empty());
  CHECK(readOrder({Reader{}, Reader{}, Reader{}}) == Order{0, 1, 2});
}

TEST_CASE("read order: well before sound before near before quick") {
  const Reader unwell{.unwell = true};
  const Reader failing{.failed = true, .typical = milliseconds(1)};
  const Reader far{.otherZone = true, .typical = milliseconds(1)};
  const Reader slow{.typical = milliseconds(100)};
  const Reader quick{.typical = milliseconds(1)};
  CHECK(readOrder({unwell, failing, far, slow, quick}) == Order{4, 3, 2, 1, 0});
}

TEST_CASE("read order: what is under way there counts by what it takes there") {
  const Reader busy{.typical = milliseconds(2), .inFlight = 9};
  const Reader slow{.typical = milliseconds(10)};
  CHECK(readOrder({busy, slow}) == Order{1, 0});
  const Reader lessBusy{.typical = milliseconds(2), .inFlight = 3};
  CHECK(readOrder({slow, lessBusy}) == Order{1, 0});
}

TEST_CASE("read order: one of which nothing is known is tried, by one request") {
  const Reader known{.typical = milliseconds(1)};
  CHECK(readOrder({known, Reader{}}) == Order{1, 0});
  CHECK(readOrder({Reader{.inFlight = 1}, known}) == Order{1, 0});
  const Reader busy{.typical = milliseconds(1), .inFlight = 2};
  CHECK(readOrder({busy, Reader{.inFlight = 1}}) == Order{1, 0});
  CHECK(readOrder({Reader{.inFlight = 2}, Reader{.inFlight = 1}}) == Order{1, 0});
}
