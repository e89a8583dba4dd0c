#include "peerpulse/stats/stats.h"

namespace peerpulse::stats {

Stats::Stats(std::vector<std::string> peers, std::vector<std::string> routes, std::vector<std::string> loops)
    : peerNames_(std::move(peers)),
      routeNames_(std::move(routes)),
      loopNames_(std::move(loops)),
      peers_(peerNames_.size()),
      operations_(peerNames_.size() * routeNames_.size()),
      loops_(loopNames_.size()),
      transitions_(peerNames_.size()) {}

void Stats::countTransition(PeerId id, std::string_view to, std::string_view reason) {
  const size_t peer = checked(id);
  const MutexLock lock(transitionMutex_);
  TransitionCounts& counts = transitions_[peer];
  std::pair<std::string, std::string> key(to, reason);
  if (counts.size() >= kMaxTransitionKinds && counts.find(key) == counts.end()) key = {"other", "other"};
  ++counts[std::move(key)];
}

Stats::TransitionCounts Stats::transitions(PeerId id) const {
  const size_t peer = checked(id);
  const MutexLock lock(transitionMutex_);
  return transitions_[peer];
}

}  // namespace peerpulse::stats
