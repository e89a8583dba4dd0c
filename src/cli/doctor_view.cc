#include "doctor.h"
#include "json_field.h"
#include "peerpulse/config/config.h"

namespace peerpulse::cli {

namespace {

SocketAddress addressAt(const Json& json, const std::string& pointer) {
  const auto address = SocketAddress::parse(textAt(json, pointer));
  return address ? *address : SocketAddress();
}

void addPeers(DoctorView& view, const Json& peers) {
  const Json* list = at(peers, "/peers");
  if (list == nullptr || !list->is_array()) return;
  for (const Json& peer : *list) {
    if (textAt(peer, "/role") == "store") continue;  // this node's own: no client here goes to it by us
    // Of a name the first of what it leads to.
    view.peers.push_back({textAt(peer, "/name"), addressAt(peer, "/listen"), addressAt(peer, "/addresses/0"),
                          textAt(peer, "/verdict")});
  }
}

void addConfiguration(DoctorView& view, const Json& config) {
  const Json* icmp = at(config, "/probe/icmp/value");
  view.icmp = icmp == nullptr || !icmp->is_boolean() || icmp->get<bool>();
  view.clientsAtMost = numberAt(config, "/limits/max_downstream_connections/value").value_or(0) *
                       numberAt(config, "/workers/value").value_or(1) * static_cast<double>(view.peers.size());
}

}  // namespace

Result<DoctorView> viewOf(const AdminClient& admin, const std::string& configFile) {
  DoctorView view;
  view.admin = admin.address();
  const auto peers = admin.peers();
  if (peers) {
    view.reached = true;
    addPeers(view, peers->json);
    if (const auto cluster = admin.cluster()) {
      view.guardActive = flagAt(cluster->json, "/guard/active");
      view.guardMissing = textAt(cluster->json, "/guard/missing");
      view.transparentActive = flagAt(cluster->json, "/transparent/active");
      view.transparentMissing = textAt(cluster->json, "/transparent/missing");
    }
    if (const auto config = admin.config()) addConfiguration(view, config->json);
    return view;
  }
  view.error = peers.error().message;
  if (configFile.empty()) return view;
  const auto config = config::load(configFile, config::processEnvironment());
  if (!config) return config.error();
  view.icmp = config->probe.icmp;
  for (const auto& peer : config->proxy.peers) {
    if (peer.role == proxy::Role::kPeer) view.peers.push_back({peer.name, peer.listen, peer.address.literal(), ""});
  }
  return view;
}

}  // namespace peerpulse::cli
