// Goal: the kernel's own answers are read. Other routes, and neighbours: tests/lab/test_diagnose.py.
#include "kernel_routes.h"

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

TEST_CASE("kernel_routes: the own host") {
  const auto route = lookUpRoute(*SocketAddress::parse("127.0.0.1:1"));
  REQUIRE(route.has_value());
  CHECK(route->kind == Route::Kind::kLocal);
  CHECK(route->device == "lo");
  CHECK(route->carrier);
  const auto neighbour = lookUpNeighbour(*SocketAddress::parse("127.0.0.1:1"), route->interface);
  REQUIRE(neighbour.has_value());
  CHECK_FALSE(neighbour->has_value());
}

TEST_CASE("kernel_routes: link addresses") {
  const unsigned char bytes[] = {0x02, 0x77, 0, 0, 0xff, 0x0a};
  CHECK(linkAddressText(bytes, sizeof bytes) == "02:77:00:00:ff:0a");
  CHECK(linkAddressText(bytes, 0).empty());
}

}  // namespace
}  // namespace peerpulse::cli
