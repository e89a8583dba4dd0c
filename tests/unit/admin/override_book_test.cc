// Goal: /peers says who overrode a circuit, why, and for how much longer, as long as it is overridden.
#include "override_book.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::admin;
using health::CircuitOverride;

namespace {

constexpr PeerId kPeer{1};
const TimePoint kAt = TimePoint(seconds(100));

OverrideBook::Entry open(Duration ttl) {
  return {{CircuitOverride::Kind::kOpen, ttl}, "disk swap", "local", kAt, WallTime(seconds(1'800'000'000))};
}

}  // namespace

TEST_CASE("override book: an order in force, and the time that is left") {
  OverrideBook book;
  CHECK(book.json(kPeer, true, kAt).is_null());  // of another process's time: nobody knows
  book.note(kPeer, open(std::chrono::minutes(10)));
  const Json json = book.json(kPeer, true, kAt + seconds(60));
  CHECK(json["state"] == "open");
  CHECK(json["why"] == "disk swap");
  CHECK(json["by"] == "local");
  CHECK(json["since"] == "2027-01-15T08:00:00.000000Z");
  CHECK(json["ttl_left_ms"] == 540'000);
  CHECK(book.json(kPeer, true, kAt + seconds(601))["ttl_left_ms"] == 0);
  book.note(kPeer, open(Duration::max()));
  CHECK(book.json(kPeer, true, kAt)["ttl_left_ms"] > 0);
  CHECK(book.json(PeerId{0}, true, kAt).is_null());
}

TEST_CASE("override book: without a ttl it has no end; released or over it is no more") {
  OverrideBook book;
  book.note(kPeer, open(Duration::zero()));
  CHECK(book.json(kPeer, true, kAt)["ttl_left_ms"].is_null());
  CHECK(book.json(kPeer, false, kAt).is_null());
  book.note(kPeer, {{CircuitOverride::Kind::kAuto, {}}, "", "local", kAt, {}});
  CHECK(book.json(kPeer, true, kAt).is_null());
}
