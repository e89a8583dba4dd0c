#include "peerpulse/stats/stats.h"

namespace peerpulse::stats {

Stats::Stats(const std::vector<std::string>& peers, std::vector<std::string> routes, std::vector<std::string> loops)
    : routeNames_(std::move(routes)), loopNames_(std::move(loops)), loops_(loopNames_.size()) {
  for (uint32_t i = 0; i < peers.size(); ++i)
    adopt(PeerId{i}, peers[i]);
}

void Stats::adopt(PeerId id, const std::string& name) {
  PP_ASSERT(slot(id) < kMaxPeers);
  auto& place = tables_[slot(id)];
  PP_ASSERT(place == nullptr || !place->present);
  place = std::make_unique<Table>(id, name, routeNames_.size());
}

void Stats::retire(PeerId id) { table(id).present = false; }

void Stats::countTransition(PeerId id, std::string_view to, std::string_view reason) {
  Table& peer = table(id);
  const MutexLock lock(transitionMutex_);
  std::pair<std::string, std::string> key(to, reason);
  TransitionCounts& counts = peer.transitions;
  if (counts.size() >= kMaxTransitionKinds && counts.find(key) == counts.end()) key = {"other", "other"};
  ++counts[std::move(key)];
}

Stats::TransitionCounts Stats::transitions(PeerId id) const {
  const Table& peer = table(id);
  const MutexLock lock(transitionMutex_);
  return peer.transitions;
}

}  // namespace peerpulse::stats
