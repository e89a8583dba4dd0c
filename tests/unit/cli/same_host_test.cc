// Goal: the same host is recognised in every way to write it.
#include "same_host.h"

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

SocketAddress at(const char* text) { return *SocketAddress::parse(text); }

TEST_CASE("same_host: ports do not matter, families that map do not either") {
  CHECK(sameHost(at("127.0.0.12:1"), at("127.0.0.12:2")));
  CHECK(sameHost(at("[::ffff:127.0.0.12]:1"), at("127.0.0.12:2")));
  CHECK_FALSE(sameHost(at("127.0.0.12:1"), at("127.0.0.13:1")));
  CHECK_FALSE(sameHost(at("[::1]:1"), at("127.0.0.1:1")));
  CHECK_FALSE(sameHost(at("unix:/a"), at("unix:/a")));
}

TEST_CASE("same_host: wildcards") {
  CHECK(isWildcard(at("0.0.0.0:9000")));
  CHECK(isWildcard(at("[::]:9000")));
  CHECK_FALSE(isWildcard(at("10.0.0.1:9000")));
  CHECK_FALSE(isWildcard(at("unix:/a")));
}

}  // namespace
}  // namespace peerpulse::cli
