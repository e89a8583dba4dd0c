#include "peer_hosts.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "peerpulse/net/original_destination.h"

namespace peerpulse::guard {

std::vector<GuardPeer> withoutMapping(std::vector<GuardPeer> peers) {
  for (GuardPeer& peer : peers)
    peer.addresses = withoutMapping(std::move(peer.addresses));
  return peers;
}

std::vector<SocketAddress> withoutMapping(std::vector<SocketAddress> addresses) {
  for (SocketAddress& address : addresses)
    address = net::withoutMapping(address);
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
