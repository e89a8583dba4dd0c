// Goal: from elsewhere nothing is changed without the token.
#include "caller.h"

#include <string>

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::admin;

namespace {

const std::string kToken = "0123456789abcdef";

Caller from(const char* address) { return {*SocketAddress::parse(address)}; }

int refused(const Caller& caller, const std::string& authorization, const std::string& token) {
  http::RequestHead head;
  if (!authorization.empty()) head.headers.add("authorization", authorization);
  return refuseChange(caller, Request(std::move(head)), token).status;
}

}  // namespace

TEST_CASE("caller: of this host, by loopback or unix, everybody may") {
  for (const char* address : {"127.0.0.1:4000", "127.9.9.9:1", "[::1]:1", "unix:/run/x"})
    CHECK(refused(from(address), "", "") == 0);
}

TEST_CASE("caller: from elsewhere only who shows the token, and never where there is none") {
  const Caller remote = from("10.0.0.7:4000");
  CHECK(refused(remote, "", "") == 403);
  CHECK(refused(remote, "Bearer ", "") == 403);
  CHECK(refused(remote, "", kToken) == 401);
  CHECK(refused(remote, "Bearer " + kToken, kToken) == 0);
  CHECK(refused(remote, "bearer " + kToken, kToken) == 0);
  for (const std::string& wrong : {kToken, std::string("Bearer"), "Bearer " + kToken + "0",
                                   std::string("Bearer 0123456789abcdeF"), "Basic " + kToken})
    CHECK(refused(remote, wrong, kToken) == 401);
  CHECK(refused(Caller(), "", kToken) == 401);  // it has gone, and nobody knows where it was
}

TEST_CASE("caller: a name for log and /peers") {
  CHECK(nameOf(from("127.0.0.1:4000")) == "local");
  CHECK(nameOf(from("10.0.0.7:4000")) == "token 10.0.0.7");
  CHECK(nameOf(from("[fd00::7]:4000")) == "token [fd00::7]");
}

TEST_CASE("caller: whoever comes from the address that it was sent to is of this host") {
  const auto local = [](const char* remote, const char* own) {
    return callerOf(*SocketAddress::parse(remote), *SocketAddress::parse(own), false).local();
  };
  CHECK(local("10.0.0.1:4000", "10.0.0.1:9901"));
  CHECK(local("[::ffff:127.0.0.1]:4000", "[::ffff:127.0.0.1]:9901"));
  CHECK(local("127.0.0.1:4000", "127.0.0.12:9901"));
  CHECK_FALSE(local("10.0.0.7:4000", "10.0.0.1:9901"));
  CHECK_FALSE(callerOf({}, {}, false).local());
}
