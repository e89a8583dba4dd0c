#include "peer_hosts.h"

#include <map>
#include <string>

#include "peerpulse/net/original_destination.h"

namespace peerpulse::guard {

std::vector<GuardPeer> withoutMapping(std::vector<GuardPeer> peers) {
  for (GuardPeer& peer : peers)
    peer.address = net::withoutMapping(peer.address);
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
