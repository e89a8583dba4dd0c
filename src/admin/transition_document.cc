#include "peerpulse/admin/transition_document.h"

#include "cluster_json.h"
#include "event_json.h"
#include "handlers.h"
#include "json_response.h"

namespace peerpulse::admin {

std::string transitionDocument(const Sources& sources, const health::Transition& transition, WallTime at) {
  Json document = {{"node", sources.node}, {"event", "transition"}, {"at", formatRfc3339(at)}};
  Json what = transitionJson(*sources.stats, transition);
  document["peer"] = what["peer"];
  const proxy::SnapshotRef snapshot = sources.snapshot();
  if (const proxy::PeerOptions* peer = snapshot->find(transition.peer); peer != nullptr) {
    document["address"] = peer->address.toString();
    document["zone"] = peer->zone;
  }
  document.update(what);
  return toText(document);
}

std::string contextDocument(const Sources& sources, TimePoint now) {
  const SocketAddress nowhere;
  const Context context{.sources = sources, .listen = nowhere, .now = now, .snapshot = sources.snapshot()};
  return toText({{"local_health", localHealth(context)}, {"cluster", clusterJson(context)}});
}

}  // namespace peerpulse::admin
