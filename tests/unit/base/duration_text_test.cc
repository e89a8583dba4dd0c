#include "peerpulse/base/duration_text.h"

#include <string>

#include <doctest/doctest.h>

using namespace peerpulse;

TEST_CASE("duration_text: a number and its unit") {
  CHECK(parseDuration("20ms") == milliseconds(20));
  CHECK(parseDuration("3s") == seconds(3));
  CHECK(parseDuration("1m") == std::chrono::minutes(1));
  CHECK(parseDuration("2h") == std::chrono::hours(2));
  CHECK(parseDuration("250us") == microseconds(250));
  CHECK(parseDuration("1.5s") == milliseconds(1500));
  CHECK(parseDuration("0s") == seconds(0));
}

TEST_CASE("duration_text: what is no duration") {
  for (const char* text : {"", "20", "ms", "-1s", "+1s", "1 s", "1d", "1e3s", "infs", "nans", ".s", "1.s", ".5s",
                           "1.2.3s", "1s ", "1sm", "99999999999h", "0x10s"}) {
    CHECK_MESSAGE(!parseDuration(text).has_value(), text);
  }
  CHECK_FALSE(parseDuration(std::string(5000, '9') + "s").has_value());
}

TEST_CASE("duration_text: written in the largest whole unit and read back") {
  for (const char* text : {"20ms", "3s", "1m", "2h", "250us", "1500ms", "0s", "90s"}) {
    CHECK(formatDuration(*parseDuration(text)) == text);
  }
  CHECK(formatDuration(seconds(60)) == "1m");
}

TEST_CASE("duration_text: what no unit divides is rounded up to microseconds") {
  CHECK(formatDuration(nanoseconds(1)) == "1us");
  CHECK(formatDuration(microseconds(1500)) == "1500us");
  CHECK(formatDuration(microseconds(1500) + nanoseconds(1)) == "1501us");
}

TEST_CASE("duration_text: 1,000 hours and no more") {
  CHECK(parseDuration("1000h") == std::chrono::hours(1000));
  CHECK_FALSE(parseDuration("1000.001h").has_value());
}
