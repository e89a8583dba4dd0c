// Goal: what parse() takes it gives back the same, and what it refuses it explains.
#include "peerpulse/base/address.h"

#include <doctest/doctest.h>

using peerpulse::SocketAddress;

TEST_CASE("address: literals survive a round trip") {
  for (const char* text : {"10.0.0.2:9000", "127.0.0.12:0", "[fd00::2]:9000", "[::1]:65535", "unix:/run/x.sock"}) {
    auto address = SocketAddress::parse(text);
    REQUIRE(address);
    CHECK(address->toString() == text);
  }
}

TEST_CASE("address: what is not a literal is refused with the text in the error") {
  for (const char* text : {"", "10.0.0.2", "10.0.0.2:", "10.0.0.2:65536", "10.0.0.2:-1", "node2:9000", "[::1:9000",
                           "10.0.0.2:90 ", "unix:", "10.0.0:9000"}) {
    auto address = SocketAddress::parse(text);
    REQUIRE_FALSE(address);
    CHECK(address.error().message.find(std::string("'") + text + "'") != std::string::npos);
  }
}

TEST_CASE("address: a unix path that does not fit is refused") {
  CHECK_FALSE(SocketAddress::parse("unix:/" + std::string(200, 'x')));
}

TEST_CASE("address: loopback is 127/8, ::1 and unix") {
  CHECK(SocketAddress::parse("127.9.9.9:1")->isLoopback());
  CHECK(SocketAddress::parse("[::1]:1")->isLoopback());
  CHECK(SocketAddress::parse("unix:/x")->isLoopback());
  CHECK_FALSE(SocketAddress::parse("10.0.0.1:1")->isLoopback());
  CHECK_FALSE(SocketAddress::parse("[fd00::1]:1")->isLoopback());
}
