#include "own_address.h"
#include "peerpulse/config/config.h"

namespace peerpulse::config {

std::vector<GuardRole> guardRoles(const Config& config) {
  const OwnHosts own = OwnHosts::ofThisHost();
  std::vector<GuardRole> roles;
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    if (!guard::guards(peer.mode)) {
      roles.push_back({false, "mode proxy"});
    } else if (peer.address.isUnix()) {
      roles.push_back({false, "a unix address"});
    } else if (!peer.address.isName() && own.has(hostOf(peer.address.literal()))) {
      roles.push_back({false, "an own address: it cannot lose power alone"});
    } else {
      roles.push_back({true, ""});
    }
  }
  return roles;
}

std::vector<std::string> guardNotes(const Config& config) {
  const std::vector<GuardRole> roles = guardRoles(config);
  std::vector<std::string> notes;
  std::string guarded;
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    if (peer.address.isName() && guard::guards(peer.mode)) {
      notes.push_back("guard: of " + peer.name + " at what " + peer.address.name() +
                      " leads to, unless to this host");
    }
    const GuardRole& role = roles[slot(peer.id)];
    if (role.guarded) {
      guarded += (guarded.empty() ? "" : ", ") + peer.name + " (" + guard::toString(peer.mode) + ")";
    } else if (guard::guards(peer.mode)) {
      notes.push_back("guard: not of " + peer.name + ": " + role.why);
    }
  }
  if (guarded.empty()) {
    notes.emplace_back("guard: nobody; needs no capability");
    return notes;
  }
  notes.push_back("guard: " + guarded + "; needs CAP_NET_ADMIN, without it these are \"proxy\"");
  const size_t nodes = roles.size() - (config.link.serves() ? 1 : 0);  // the own store has no vote
  const bool alone = nodes == 1 && config.guard.witness.family() == AF_UNSPEC;
  if (alone)
    notes.emplace_back("guard: one peer and no guard.witness: who is cut off could not be told, so it never acts");
  return notes;
}

}  // namespace peerpulse::config
