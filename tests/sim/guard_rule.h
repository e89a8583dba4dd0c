// GuardRule: what the real GuardPolicy would do in this world, for rule 17 of checkers.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "peerpulse/guard/policy.h"
#include "prober_model.h"

namespace peerpulse::sim {

class GuardRule {
 public:
  void reset(uint32_t peers, TimePoint start);
  /// Asks the policy. The peer that is refused from now on and was not before, if there is one (several: the first).
  std::optional<uint8_t> look(const ProberModel& prober, TimePoint now);
  bool refused(uint8_t peer) const { return refused_[peer]; }

 private:
  TimePoint start_;
  std::optional<guard::GuardPolicy> policy_;
  std::vector<guard::PeerView> views_;
  std::array<bool, kMaxPeers> refused_{};
};

}  // namespace peerpulse::sim
