// Goal: ages are short and never wrong by a unit; times are read as they are written.
#include "text.h"

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

TEST_CASE("text: ages in the unit that tells something") {
  CHECK(ageText(microseconds(400)) == "0.4 ms");
  CHECK(ageText(Duration::zero()) == "0 ms");
  CHECK(ageText(milliseconds(62)) == "62 ms");
  CHECK(ageText(milliseconds(4200)) == "4.2 s");
  CHECK(ageText(seconds(59)) == "59 s");
  CHECK(ageText(seconds(192)) == "3m12s");
  CHECK(ageText(seconds(7500)) == "2h05m");
  CHECK(ageText(std::chrono::hours(24 * 4 + 7)) == "4d07h");
}

TEST_CASE("text: times are read as they are written") {
  for (const int64_t nanos : {int64_t{0}, int64_t{1'795'680'000'123'456'000}, int64_t{1'000'000'000}}) {
    const WallTime time{nanoseconds(nanos)};
    const auto read = parseRfc3339(formatRfc3339(time));
    REQUIRE(read.has_value());
    CHECK(std::chrono::abs(*read - time) < microseconds(1));
  }
  CHECK(parseRfc3339("2026-01-31T12:00:00Z").has_value());
  for (const char* nonsense : {"", "yesterday", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00:00.Z",
                               "2026-01-31T12:00:00+01:00", "2999-01-01T00:00:00Z", "1900-01-01T00:00:00Z"}) {
    CAPTURE(nonsense);
    CHECK_FALSE(parseRfc3339(nonsense).has_value());
  }
}

TEST_CASE("text: since when") {
  const WallTime now = *parseRfc3339("2026-01-31T12:00:10Z");
  CHECK(sinceText("2026-01-31T12:00:00Z", now) == "10 s ago");
  CHECK(sinceText("2026-01-31T12:00:11Z", now) == "0 ms ago");  // clocks of two hosts
  CHECK(sinceText("", now).empty());
}

TEST_CASE("text: lists") {
  CHECK(listText({}) == "nobody");
  CHECK(listText({"a"}) == "a");
  CHECK(listText({"a", "b"}) == "a and b");
  CHECK(listText({"a", "b", "c"}) == "a, b and c");
}

TEST_CASE("text: a table's columns are as wide as they need to be") {
  Table table({"PEER", "V"});
  table.add({"n", "alive"});
  table.add({"node10", ""});
  CHECK(table.rows() == 2);
  CHECK(table.text() == "PEER    V\nn       alive\nnode10\n");
  table.add({"n\xc3\xb6\xc3\xb6", "x"});
  CHECK(table.text() == "PEER    V\nn       alive\nnode10\nn\xc3\xb6\xc3\xb6     x\n");
}

}  // namespace
}  // namespace peerpulse::cli
