#include "../../../src/config/units.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::config;

TEST_CASE("sizes") {
  CHECK(parseSize("1MiB") == 1048576);
  CHECK(parseSize("64KiB") == 65536);
  CHECK(parseSize("2GiB") == uint64_t{2} << 30);
  CHECK(parseSize("1000") == 1000);
  for (const char* text : {"", "MiB", "-1", "1MB", "1 MiB", "1.5MiB", "10000000000000GiB", "99999999999999999999"}) {
    CHECK_MESSAGE(!parseSize(text).has_value(), text);
  }
  CHECK(formatSize(1048576) == "1MiB");
  CHECK(formatSize(1536 * 1024) == "1536KiB");
  CHECK(formatSize(1000) == "1000");
  CHECK(formatSize(0) == "0");
}
