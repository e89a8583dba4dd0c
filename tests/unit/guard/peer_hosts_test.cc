// Goal: two ways to write an address are one host, and two ports of it too.
#include "peer_hosts.h"

#include <doctest/doctest.h>

#include "own_network.h"

using namespace peerpulse;
using namespace peerpulse::guard;

namespace {

std::vector<GuardPeer> peersAt(const std::vector<std::string>& addresses) {
  std::vector<GuardPeer> peers;
  for (const std::string& address : addresses)
    peers.push_back({PeerId{static_cast<uint32_t>(peers.size())}, {addressOf(address)}, true});
  return peers;
}

}  // namespace

TEST_CASE("an IPv4 address that is written as IPv6") {
  const auto peers = withoutMapping(peersAt({"[::ffff:10.0.0.2]:9000", "[fd00::2]:9000", "10.0.0.3:80"}));
  CHECK(peers[0].addresses == std::vector{addressOf("10.0.0.2:9000")});
  CHECK(peers[1].addresses == std::vector{addressOf("[fd00::2]:9000")});
  CHECK(peers[2].addresses == std::vector{addressOf("10.0.0.3:80")});
}

TEST_CASE("peers of one host") {
  const auto sharing =
      sharingOf(withoutMapping(peersAt({"10.0.0.2:1", "10.0.0.3:1", "10.0.0.2:2", "[::ffff:10.0.0.3]:3"})));
  CHECK(sharing == std::vector<std::vector<size_t>>{{0, 2}, {1, 3}, {0, 2}, {1, 3}});
}

TEST_CASE("peers of several addresses share a host if one of them is the same") {
  auto peers = peersAt({"10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1"});
  peers[0].addresses.push_back(addressOf("10.0.0.4:1"));
  peers[1].addresses.clear();
  CHECK(sharingOf(peers) == std::vector<std::vector<size_t>>{{0, 2}, {}, {0, 2}});
}
