#include "../../../src/config/units.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::config;

TEST_CASE("durations") {
  CHECK(parseDuration("20ms") == milliseconds(20));
  CHECK(parseDuration("3s") == seconds(3));
  CHECK(parseDuration("1m") == std::chrono::minutes(1));
  CHECK(parseDuration("2h") == std::chrono::hours(2));
  CHECK(parseDuration("250us") == microseconds(250));
  CHECK(parseDuration("1.5s") == milliseconds(1500));
  CHECK(parseDuration("0s") == seconds(0));
}

TEST_CASE("what is no duration") {
  for (const char* text : {"", "20", "ms", "-1s", "+1s", "1 s", "1d", "1e3s", "infs", "nans", ".s", "1.s", ".5s",
                           "1.2.3s", "1s ", "1sm", "99999999999h", "0x10s"}) {
    CHECK_MESSAGE(!parseDuration(text).has_value(), text);
  }
  CHECK_FALSE(parseDuration(std::string(5000, '9') + "s").has_value());
}

TEST_CASE("durations are written in the largest whole unit and read back") {
  for (const char* text : {"20ms", "3s", "1m", "2h", "250us", "1500ms", "0s", "90s"}) {
    CHECK(formatDuration(*parseDuration(text)) == text);
  }
  CHECK(formatDuration(seconds(60)) == "1m");
}

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
