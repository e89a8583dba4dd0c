#include "guard_rule.h"

#include <algorithm>

namespace peerpulse::sim {

void GuardRule::reset(uint32_t peers, TimePoint start) {
  start_ = start;
  policy_.emplace(peers, 0, false);
  views_.assign(peers, {});
  refused_ = {};
}

std::optional<uint8_t> GuardRule::look(const ProberModel& prober, TimePoint now) {
  bool anyDead = false;
  for (uint8_t i = 0; i < views_.size(); ++i) {
    const health::PeerHealth& health = prober.health(i);
    views_[i] = {true, health.word().verdict, false,
                 std::max(health.lastEvidence(), prober.table().lastHeard(PeerId{i})), start_};
    anyDead = anyDead || health.word().verdict == health::Verdict::kDead;
  }
  if (!anyDead) {
    refused_ = {};
    return std::nullopt;
  }
  guard::HostView host;
  const health::LocalState local = prober.localState();
  host.suspect = local == health::LocalState::kSuspect || local == health::LocalState::kExhausted;
  host.proberStalled = false;  // it has just told us something; only worlds with traffic have its heartbeat
  const auto& decisions = policy_->decide(host, views_, now);
  std::optional<uint8_t> begun;
  for (uint8_t i = 0; i < views_.size(); ++i) {
    const bool refused = decisions[i].state == guard::State::kRefused;
    if (refused && !refused_[i] && !begun) begun = i;
    refused_[i] = refused;
  }
  return begun;
}

}  // namespace peerpulse::sim
