#include "peer_hosts.h"

#include <cstring>
#include <map>
#include <netinet/in.h>
#include <string>

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
    peer.address = withoutMapping(peer.address);
  return peers;
}

std::vector<size_t> hostsOf(const std::vector<GuardPeer>& peers) {
  std::map<std::string, size_t> first;
  std::vector<size_t> hosts;
  hosts.reserve(peers.size());
  for (const GuardPeer& peer : peers)
    hosts.push_back(first.try_emplace(peer.address.withPort(0).toString(), hosts.size()).first->second);
  return hosts;
}

}  // namespace peerpulse::guard
