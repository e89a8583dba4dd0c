#include "h2/recent_ids.h"

#include <doctest/doctest.h>

namespace peerpulse::http::h2 {
namespace {

TEST_CASE("RecentIds: the oldest are forgotten") {
  RecentIds ids(3);
  CHECK_FALSE(ids.has(1));
  for (const int32_t id : {1, 3, 5})
    ids.add(id);
  CHECK(ids.has(1));
  CHECK(ids.has(5));
  ids.add(7);
  CHECK_FALSE(ids.has(1));
  CHECK(ids.has(3));
  ids.add(9);
  ids.add(11);
  ids.add(13);
  CHECK_FALSE(ids.has(7));
  CHECK(ids.has(9));
  CHECK(ids.has(13));
}

}  // namespace
}  // namespace peerpulse::http::h2
