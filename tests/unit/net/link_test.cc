// Goal: a link is accused of being down only with evidence. With a cable that is pulled: tests/lab/test_own_host.py.
#include "peerpulse/net/link.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <doctest/doctest.h>

using namespace peerpulse;

TEST_CASE("link: loopback is up, and so is what is no IP address") {
  CHECK(net::linkUp(*SocketAddress::parse("127.0.0.1:80")));
  CHECK(net::linkUp(*SocketAddress::parse("127.9.8.7:80")));  // listed nowhere, but the loopback's
  CHECK(net::linkUp(*SocketAddress::parse("[::1]:80")));
  CHECK(net::linkUp(SocketAddress()));
}

TEST_CASE("link: an address that no interface has is not up") {
  CHECK_FALSE(net::linkUp(*SocketAddress::parse("192.0.2.77:80")));  // RFC 5737: nobody's
  CHECK_FALSE(net::linkUp(*SocketAddress::parse("[2001:db8::77]:80")));
}

TEST_CASE("link: as the interfaces say, for each address of this host") {
  ifaddrs* list = nullptr;
  REQUIRE(::getifaddrs(&list) == 0);
  int seen = 0;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    const auto address = SocketAddress::fromSockaddr(entry->ifa_addr, sizeof(sockaddr_in));
    const unsigned wanted = IFF_UP | IFF_RUNNING;
    CHECK(net::linkUp(address) == ((entry->ifa_flags & wanted) == wanted || address.isLoopback()));
    ++seen;
  }
  ::freeifaddrs(list);
  CHECK(seen > 0);
}
