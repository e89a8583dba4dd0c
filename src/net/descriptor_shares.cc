#include "peerpulse/net/descriptor_shares.h"

#include <algorithm>

namespace peerpulse::net {

void DescriptorShares::divide(uint64_t limit, uint64_t taken, uint32_t peers) {
  limit = std::min<uint64_t>(limit, INT_MAX);  // also "infinity"
  const uint64_t room = limit - std::min(taken, limit);
  const uint64_t probes = std::min(kProbesPerPeer * peers, room / 4);
  const uint64_t admin = std::min(kAdmin, room / 8);
  const uint64_t upstream = (room - probes - admin) / 4;
  const auto set = [this](DescriptorUse use, uint64_t ceiling) {
    ceilings_[static_cast<size_t>(use)].store(static_cast<int>(ceiling), std::memory_order_relaxed);
  };
  set(DescriptorUse::kProbe, limit);
  set(DescriptorUse::kAdmin, limit - probes);
  set(DescriptorUse::kUpstream, limit - probes - admin);
  set(DescriptorUse::kClient, limit - probes - admin - upstream);
}

size_t DescriptorShares::share(DescriptorUse use) const {
  if (use == DescriptorUse::kClient) return static_cast<size_t>(ceiling(use));
  const auto below = static_cast<DescriptorUse>(static_cast<size_t>(use) - 1);
  if (ceiling(below) == INT_MAX) return INT_MAX;  // not divided yet
  return static_cast<size_t>(ceiling(use) - ceiling(below));
}

}  // namespace peerpulse::net
