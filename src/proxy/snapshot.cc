#include "peerpulse/proxy/snapshot.h"

#include <utility>

namespace peerpulse::proxy {

namespace {

std::vector<upstream::PeerOptionsRef> peersOf(const ProxyOptions& options) {
  std::vector<upstream::PeerOptionsRef> peers;
  for (const PeerOptions& peer : options.peers)
    peers.push_back(std::make_shared<const upstream::PeerOptions>(peer));
  return peers;
}

}  // namespace

Snapshot::Snapshot(uint64_t v, ProxyOptions o) : version(v), options(std::move(o)), peers(v, peersOf(options)) {}

SnapshotRef ofWorker(SnapshotRef shared) {
  const Snapshot* snapshot = shared.get();
  return SnapshotRef(snapshot, [shared = std::move(shared)](const Snapshot*) {});
}

upstream::OptionsRef upstreamOptions(const SnapshotRef& snapshot) { return {snapshot, &snapshot->options}; }

}  // namespace peerpulse::proxy
