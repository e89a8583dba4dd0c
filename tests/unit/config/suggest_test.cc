#include "../../../src/config/suggest.h"

#include <doctest/doctest.h>

using peerpulse::config::nearest;

TEST_CASE("suggest: the nearest word, within a third of its letters") {
  CHECK(nearest("worker", {"node", "workers", "peers"}) == "workers");
  CHECK(nearest("idle_timout", {"idle_timeout", "idle_time"}) == "idle_timeout");
  CHECK(nearest("addres", {"adress", "address"}) == "address");
  CHECK(nearest("zzzzzzzz", {"node", "workers"}).empty());
  CHECK(nearest("node", {}).empty());
}

TEST_CASE("suggest: no word is suggested that shares nothing with what was written") {
  CHECK(nearest("ab", {"xy"}).empty());
  CHECK(nearest("", {"a", "bc"}).empty());
}

TEST_CASE("suggest: what is too long to be a typing error costs nothing") {
  const std::string endless(1'000'000, 'a');
  CHECK(nearest(endless, {endless + "b"}).empty());
}
