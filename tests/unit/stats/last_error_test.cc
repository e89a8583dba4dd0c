// Goal: what last went wrong with a peer is there whole, and never larger than it may be.
#include "peerpulse/stats/last_error.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using stats::LastError;

TEST_CASE("last error: nothing, then the last one, cut to its room") {
  LastError last;
  CHECK_FALSE(last.get());
  last.note(WallTime(seconds(1)), "connection_refused", "peer", "first");
  last.note(WallTime(seconds(2)), "http_protocol_error", "self", std::string(1000, 'x'));
  const auto said = last.get();
  REQUIRE(said);
  CHECK(said->at == WallTime(seconds(2)));
  CHECK(said->error == std::string("http_protocol_error"));
  CHECK(said->party == std::string("self"));
  CHECK(said->details == std::string(LastError::kMostDetails, 'x'));
}
