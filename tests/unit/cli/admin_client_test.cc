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
  const auto answer = AdminClient(*SocketAddress::parse("unix:/nonexistent/admin.sock")).peers();
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code != 0);
  CHECK(answer.error().message.find("does it run?") != std::string::npos);
}

TEST_CASE("admin_client: names in paths") {
  CHECK(pathSegment("node-2.a_b~") == "node-2.a_b~");
  CHECK(pathSegment("a/b c\xff") == "a%2Fb%20c%FF");
}

TEST_CASE("admin_client: what is made of an answer is bounded") {
  CHECK(parseJson("[1]").size() == 1);
  CHECK(parseJson("<html>").is_null());
  CHECK(parseJson("[1] x").is_null());
  CHECK(parseJson(std::string(1'000'000, '[')).is_null());
  CHECK(parseJson(std::string(100, '[') + std::string(100, ']')).is_null());
  std::string many = "[0";
  for (int i = 0; i < 1'000'000; ++i)
    many += ",0";
  CHECK(parseJson(many + "]").is_null());
}

}  // namespace
}  // namespace peerpulse::cli
