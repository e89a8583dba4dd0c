// Goal: the admin is looked for where it was said to be, and an answer that is none is an error that says what to do.
#include "admin_client.h"

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

std::string addressOf(const AdminWhere& where) {
  const auto address = adminAddress(where);
  return address ? address->toString() : "error: " + address.error().message;
}

TEST_CASE("admin_client: where it is") {
  CHECK(addressOf({}) == kDefaultAdmin);
  CHECK(addressOf({.address = "", .configFile = "", .environment = "127.0.0.1:1"}) == "127.0.0.1:1");
  CHECK(addressOf({.address = "127.0.0.1:2", .configFile = "/nowhere", .environment = "127.0.0.1:1"}) ==
        "127.0.0.1:2");
  CHECK(addressOf({.address = "localhost:3"}) == "127.0.0.1:3");
  CHECK(addressOf({.address = "/run/a.sock"}) == "unix:/run/a.sock");
  CHECK(addressOf({.address = "0.0.0.0:4"}) == "127.0.0.1:4");
  CHECK(addressOf({.address = "[::]:4"}) == "[::1]:4");
  CHECK(addressOf({.address = "nonsense"}).starts_with("error: 'nonsense' is not an address"));
  CHECK(addressOf({.configFile = "/nowhere.json"}).find("/nowhere.json") != std::string::npos);
}

TEST_CASE("admin_client: nobody there") {
  const auto answer = AdminClient(*SocketAddress::parse("unix:/nonexistent/admin.sock")).get("/peers");
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code != 0);
  CHECK(answer.error().message.find("does it run?") != std::string::npos);
}

TEST_CASE("admin_client: names in paths") {
  CHECK(pathSegment("node-2.a_b~") == "node-2.a_b~");
  CHECK(pathSegment("a/b c\xff") == "a%2Fb%20c%FF");
}

}  // namespace
}  // namespace peerpulse::cli
