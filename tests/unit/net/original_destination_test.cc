// Goal: a socket that is no TCP connection of NAT has an error, not a wrong destination; both ways to write IPv4 are one. What
// NAT turned: tests/unit/transparent/redirect_table_test.cc.
#include "peerpulse/net/original_destination.h"

#include <sys/socket.h>

#include <doctest/doctest.h>

#include "peerpulse/base/fd.h"

using namespace peerpulse;

namespace {

SocketAddress addressAt(const char* text) { return SocketAddress::parse(text).value(); }

}  // namespace

TEST_CASE("IPv4 however it is written") {
  CHECK(net::withoutMapping(addressAt("[::ffff:10.0.0.2]:9000")).toString() == "10.0.0.2:9000");
  for (const char* as : {"10.0.0.2:9000", "[fd00::2]:9000", "unix:/run/node2"})
    CHECK(net::withoutMapping(addressAt(as)).toString() == as);
}

TEST_CASE("who was connected to nowhere") {
  const Fd unixSocket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto none = net::originalDestination(unixSocket.get());
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().message.find("SO_ORIGINAL_DST") != std::string::npos);
}
