#include "peerpulse/config/config.h"

namespace peerpulse::config {

namespace {

std::string listenersOf(const transparent::Options& options) {
  std::string text;
  for (const SocketAddress* listen : {&options.listen, &options.listen6}) {
    if (listen->family() != AF_UNSPEC) text += (text.empty() ? "" : " and ") + listen->toString();
  }
  return text;
}

}  // namespace

std::vector<std::string> transparentNotes(const Config& config) {
  if (!config.transparent.enabled()) return {};
  std::vector<std::string> notes;
  std::string turned;
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    if (!peer.transparent) continue;
    turned += (turned.empty() ? "" : ", ") + peer.name;
    if (peer.onDead != proxy::OnDead::kRespond || !guard::guards(peer.mode)) continue;
    notes.push_back(
        "transparent: when " + peer.name +
        " is dead the guard ends its clients' connections with an error, before on_dead \"respond\" can answer; "
        "guard.mode \"proxy\" leaves them to it");
  }
  if (turned.empty()) {
    notes.emplace_back("transparent: nobody, all peers have a listen or say transparent: false");
    return notes;
  }
  notes.insert(notes.begin(), "transparent: connects of this host to " + turned + " come to " +
                                  listenersOf(config.transparent) +
                                  "; needs CAP_NET_ADMIN and nftables with NAT, without them they go past peerpulse");
  return notes;
}

}  // namespace peerpulse::config
