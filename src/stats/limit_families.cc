// Our own limits apart from what peers do: a limit that refuses is a matter of this host's configuration.
#include "families.h"
#include "peerpulse/base/memory_use.h"

namespace peerpulse::stats {

void appendLimitFamilies(const Stats& stats, const RegistrySources& sources, Families& out) {
  auto limits =
      Family::gauge("peerpulse_limit",
                    "Limits of the configuration: of each listener (downstream_connections) or pool of a peer and "
                    "class (upstream_connections, pending) and worker; of the process (the others).");
  for (const OwnLimit& limit : sources.limits)
    limits.add({{"limit", limit.name}}, limit.most);
  uint64_t clients = 0, withoutDescriptor = 0, pending = 0, shed = 0, memory = 0, memoryEnds = 0;
  forEachPeer(stats, [&](const std::string&, const PeerStats& peer) {
    clients += peer.clientsOverLimit.get();
    withoutDescriptor += peer.clientsWithoutDescriptor.get();
    pending += peer.pendingRefusals.get();
    memory += peer.memoryRefusals.get();
    memoryEnds += peer.memoryEnds.get();
    for (const GovernorStats& governor : peer.governors)
      shed += governor.shed.get();
  });
  auto refusals = Family::counter("peerpulse_limit_refusals_total",
                                  "What our own limits refused: no peer's doing, no peer's failure.");
  const std::pair<const char*, uint64_t> counted[] = {
      {"downstream_connections", clients},
      {"descriptors", withoutDescriptor},
      {"pending", pending},
      {"governor", shed},
      {"memory", memory},
      {"api_operations", stats.fanout.refusedOperations.get()},
      {"api_memory", stats.fanout.refusedMemory.get()},
      {"admin_connections", stats.admin.refused.get()},
  };
  for (const auto& [name, count] : counted)
    refusals.add({{"limit", name}}, count);
  auto held =
      Family::gauge("peerpulse_memory_bytes", "What the traffic of the process holds, as limits.memory counts it.");
  held.add({}, MemoryUse::total());
  auto ended = Family::counter("peerpulse_memory_ended_total",
                               "Exchanges ended by limits.memory: their clients took nothing of the answer.");
  ended.add({}, memoryEnds);
  out.add({&limits, &refusals, &held, &ended});
}

}  // namespace peerpulse::stats
