#include "erasure_writer/api_route.h"

#include <doctest/doctest.h>

using namespace peerpulse::erasure_writer;

TEST_CASE("ApiRoute: names of disks, and where they are") {
  ApiRoute route;
  route.set = *DiskUrl::parse("http://127.0.0.1:9902/erasure/set0");
  REQUIRE(route.addNode("node2=127.0.0.12:9000"));
  for (const char* wrong : {"", "node2", "=127.0.0.12:9000", "node2=", "node2=nowhere", "node2=127.0.0.12"})
    CHECK_FALSE(route.addNode(wrong));
  CHECK(route.serves(*DiskUrl::parse("http://127.0.0.12:9000/chunks/disk1")));
  CHECK_FALSE(route.serves(*DiskUrl::parse("http://10.0.0.1:9000/chunks/disk1")));
  CHECK(route.diskOf("node2/chunks/disk2")->toString() == "http://127.0.0.12:9000/chunks/disk2");
  CHECK_FALSE(route.diskOf("node3/chunks/disk2"));
  CHECK_FALSE(route.diskOf("node2"));
  CHECK_FALSE(route.diskOf(""));
  CHECK(route.requestPath(7, "/run/ab/abc.0.7") == "/erasure/set0/7/run/ab/abc.0.7");
}
