#include <map>

#include "cluster_json.h"
#include "guard_json.h"
#include "transparent_json.h"

namespace peerpulse::admin {

namespace {

/// Traffic does not get there: known to be down, or its circuit is open for another reason.
bool isOffline(const health::CircuitWord& word) {
  return word.verdict == health::Verdict::kDead || word.verdict == health::Verdict::kRefusing ||
         word.circuit == health::CircuitState::kOpen;
}

/// Nodes that are counted together: all of them, or those of one zone.
struct Group {
  size_t size = 0;
  Json offline = Json::array();

  void add(const std::string& name, bool isOffline) {
    ++size;
    if (isOffline) offline.push_back(name);
  }
  size_t quorum() const { return size / 2 + 1; }
  size_t online() const { return size - offline.size(); }
  void put(Json& json) const {
    json["size"] = size;
    json["quorum"] = quorum();
    json["tolerable_failures"] = size - quorum();
    json["online"] = online();
    json["offline"] = offline;
    json["status"] = offline.empty() ? "ok" : online() >= quorum() ? "degraded" : "quorum_lost";
  }
};

Json memoryJson(const proxy::MemoryLimit* limit) {
  return {{"bytes", MemoryUse::total()},
          {"limit", limit != nullptr ? limit->bytes() : 0},
          {"pressure", toString(limit != nullptr ? limit->pressure() : proxy::Pressure::kNone)}};
}

}  // namespace

// This node is online: it answers.
Json clusterJson(const Context& context) {
  Group all;
  std::map<std::string, Group> zones;
  all.add(context.sources.node, false);
  zones[context.sources.zone].add(context.sources.node, false);
  for (const proxy::PeerOptions& peer : context.peers()) {
    if (peer.role != proxy::Role::kPeer) continue;
    const bool offline = isOffline(context.sources.circuits->load(peer.id));
    all.add(peer.name, offline);
    zones[peer.zone].add(peer.name, offline);
  }
  Json json = Json::object();
  all.put(json);
  json["zones"] = Json::array();
  for (const auto& [name, zone] : zones) {
    Json entry = {{"zone", name}};
    zone.put(entry);
    json["zones"].push_back(std::move(entry));
  }
  json["local_health"] = localHealth(context);
  json["guard"] = guardJson(context);
  json["transparent"] = transparentJson(context);
  json["memory"] = memoryJson(context.sources.memory);
  return json;
}

stats::ClusterCounts clusterCounts(const Context& context) {
  Group all;
  all.add(context.sources.node, false);
  for (const proxy::PeerOptions& peer : context.peers()) {
    if (peer.role == proxy::Role::kPeer) all.add(peer.name, isOffline(context.sources.circuits->load(peer.id)));
  }
  return {.size = all.size, .quorum = all.quorum(), .online = all.online()};
}

Response handleCluster(const Context& context, const Request&) { return jsonResponse(clusterJson(context)); }

}  // namespace peerpulse::admin
