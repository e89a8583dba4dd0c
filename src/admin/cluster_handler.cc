#include <map>

#include "cluster_json.h"
#include "guard_json.h"

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
  void put(Json& json) const {
    const size_t quorum = size / 2 + 1;
    const size_t online = size - offline.size();
    json["size"] = size;
    json["quorum"] = quorum;
    json["tolerable_failures"] = size - quorum;
    json["online"] = online;
    json["offline"] = offline;
    json["status"] = offline.empty() ? "ok" : online >= quorum ? "degraded" : "quorum_lost";
  }
};

}  // namespace

// This node is online: it answers.
Json clusterJson(const Context& context) {
  Group all;
  std::map<std::string, Group> zones;
  all.add(context.sources.node, false);
  zones[context.sources.zone].add(context.sources.node, false);
  for (const proxy::PeerOptions& peer : context.peers()) {
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
  return json;
}

Response handleCluster(const Context& context, const Request&) { return jsonResponse(clusterJson(context)); }

}  // namespace peerpulse::admin
