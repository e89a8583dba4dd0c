// Goal: a skew is told in the right direction, and matters from where a store minds.
#include "clock_check.h"

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

TEST_CASE("clock_check: dates") {
  const auto date = parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT");
  REQUIRE(date.has_value());
  CHECK(std::chrono::system_clock::to_time_t(*date) == 784111777);
  for (const char* nonsense :
       {"", "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT, or so"}) {
    CAPTURE(nonsense);
    CHECK_FALSE(parseHttpDate(nonsense).has_value());
  }
}

TEST_CASE("clock_check: how much is too much") {
  const WallTime now(std::chrono::hours(500'000));
  CHECK(checkSkew("node2", now + seconds(1), now).severity == Severity::kOk);
  const Finding ahead = checkSkew("node2", now + seconds(30), now);
  CHECK(ahead.severity == Severity::kWarning);
  CHECK(ahead.what.find("30 s ahead of") != std::string::npos);
  const Finding behind = checkSkew("node2", now - seconds(301), now);
  CHECK(behind.severity == Severity::kProblem);
  CHECK(behind.what.find("5m01s behind") != std::string::npos);
}

TEST_CASE("clock_check: this host's is told, whatever it is") { CHECK(checkSynchronised().check == "clock"); }

}  // namespace
}  // namespace peerpulse::cli
