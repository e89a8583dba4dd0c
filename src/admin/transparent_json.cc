#include "transparent_json.h"

#include "peerpulse/transparent/plan.h"

namespace peerpulse::admin {

namespace {

transparent::Way wayOf(const Context& context, PeerId id) {
  return static_cast<transparent::Way>(context.sources.stats->peer(id).transparent.way.get());
}

}  // namespace

Json transparentJson(const Context& context, const proxy::PeerOptions& peer) {
  return {{"way", peer.transparent ? toString(wayOf(context, peer.id)) : "off"},
          {"connections_total", context.sources.stats->peer(peer.id).transparent.connections.get()}};
}

Json transparentJson(const Context& context) {
  const TransparentView& view = context.sources.transparent;
  Json direct = Json::array();
  for (const proxy::PeerOptions& peer : context.peers()) {
    if (peer.transparent && wayOf(context, peer.id) == transparent::Way::kDirect) direct.push_back(peer.name);
  }
  return {{"active", view.active},
          {"missing", view.missing},
          {"table", view.table},
          {"listeners", view.listeners},
          {"direct", std::move(direct)}};
}

}  // namespace peerpulse::admin
