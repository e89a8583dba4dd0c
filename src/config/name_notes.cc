#include "peerpulse/config/config.h"

namespace peerpulse::config {

std::vector<std::string> nameNotes(const Config& config) {
  std::string names;
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    if (!peer.address.isName()) continue;
    names += (names.empty() ? "" : ", ") + peer.name + " (" + peer.address.name() + ")";
  }
  if (names.empty()) return {};
  std::string servers;
  for (const std::string& server : config.dns.servers)
    servers += (servers.empty() ? "" : ", ") + server;
  if (servers.empty()) servers = "/etc/hosts and the servers of /etc/resolv.conf";
  return {"names: " + names + "; asked while it runs: " + servers};
}

}  // namespace peerpulse::config
