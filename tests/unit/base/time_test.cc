#include "peerpulse/base/time.h"

#include <doctest/doctest.h>

using namespace peerpulse;

TEST_CASE("time: RFC 3339 with microseconds, UTC") {
  CHECK(formatRfc3339(WallTime(microseconds(0))) == "1970-01-01T00:00:00.000000Z");
  CHECK(formatRfc3339(WallTime(microseconds(1'795'344'575'123'456))) == "2026-11-22T10:49:35.123456Z");
}
