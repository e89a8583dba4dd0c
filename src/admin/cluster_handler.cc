#include "cluster_json.h"
#include "guard_json.h"

namespace peerpulse::admin {

namespace {

/// Traffic does not get there: known to be down, or its circuit is open for another reason.
bool isOffline(const health::CircuitWord& word) {
  return word.verdict == health::Verdict::kDead || word.verdict == health::Verdict::kRefusing ||
         word.circuit == health::CircuitState::kOpen;
}

}  // namespace

Json clusterJson(const Context& context) {
  const auto& peers = context.peers();
  const size_t size = peers.size() + 1;  // this node is online: it answers
  const size_t quorum = size / 2 + 1;
  Json offline = Json::array();
  for (const proxy::PeerOptions& peer : peers) {
    if (isOffline(context.sources.circuits->load(peer.id))) offline.push_back(peer.name);
  }
  const size_t online = size - offline.size();
  const char* status = offline.empty() ? "ok" : online >= quorum ? "degraded" : "quorum_lost";
  return {{"size", size},
          {"quorum", quorum},
          {"tolerable_failures", size - quorum},
          {"online", online},
          {"offline", std::move(offline)},
          {"status", status},
          {"local_health", localHealth(context)},
          {"guard", guardJson(context)}};
}

Response handleCluster(const Context& context, const Request&) { return jsonResponse(clusterJson(context)); }

}  // namespace peerpulse::admin
