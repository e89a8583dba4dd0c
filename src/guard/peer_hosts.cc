#include "peer_hosts.h"

#include <cstring>
#include <map>
#include <netinet/in.h>
#include <set>
#include <string>
#include <utility>

namespace peerpulse::guard {

namespace {

SocketAddress withoutMapping(const SocketAddress& address) {
  if (address.family() != AF_INET6) return address;
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.get());
  if (!IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) return address;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = v6->sin6_port;
  std::memcpy(&v4.sin_addr, &v6->sin6_addr.s6_addr[12], sizeof v4.sin_addr);
  return SocketAddress::fromSockaddr(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
}

}  // namespace

std::vector<GuardPeer> withoutMapping(std::vector<GuardPeer> peers) {
  for (GuardPeer& peer : peers)
    peer.addresses = withoutMapping(std::move(peer.addresses));
  return peers;
}

std::vector<SocketAddress> withoutMapping(std::vector<SocketAddress> addresses) {
  for (SocketAddress& address : addresses)
    address = withoutMapping(address);
  return addresses;
}

std::vector<std::vector<size_t>> sharingOf(const std::vector<GuardPeer>& peers) {
  std::map<std::string, std::vector<size_t>> byHost;
  for (size_t i = 0; i < peers.size(); ++i) {
    for (const SocketAddress& address : peers[i].addresses)
      byHost[address.withPort(0).toString()].push_back(i);
  }
  std::vector<std::set<size_t>> sharing(peers.size());
  for (const auto& [host, there] : byHost) {
    for (const size_t peer : there)
      sharing[peer].insert(there.begin(), there.end());
  }
  std::vector<std::vector<size_t>> lists;
  lists.reserve(peers.size());
  for (const auto& each : sharing)
    lists.emplace_back(each.begin(), each.end());
  return lists;
}

}  // namespace peerpulse::guard
