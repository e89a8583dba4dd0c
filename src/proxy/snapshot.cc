#include "peerpulse/proxy/snapshot.h"

#include <algorithm>
#include <utility>

namespace peerpulse::proxy {

namespace {

std::vector<upstream::PeerOptionsRef> peersOf(const ProxyOptions& options) {
  std::vector<upstream::PeerOptionsRef> peers;
  for (const PeerOptions& peer : options.peers)
    peers.push_back(std::make_shared<const upstream::PeerOptions>(peer));
  return peers;
}

std::vector<upstream::PeerOptionsRef> nodesOf(const ProxyOptions& options, const upstream::PeerSet& peers) {
  std::vector<upstream::PeerOptionsRef> nodes;
  for (const PeerOptions& peer : options.peers) {
    if (peer.role == Role::kPeer) nodes.push_back(*peers.find(peer.id));
  }
  return nodes;
}

}  // namespace

Snapshot::Snapshot(uint64_t v, ProxyOptions o)
    : version(v), options(std::move(o)), peers(v, peersOf(options)), nodes(v, nodesOf(options, peers)) {}

const PeerOptions* Snapshot::find(PeerId id) const {
  const auto at =
      std::find_if(options.peers.begin(), options.peers.end(), [id](const auto& p) { return p.id == id; });
  return at == options.peers.end() ? nullptr : &*at;
}

SnapshotRef ofWorker(SnapshotRef shared) {
  const Snapshot* snapshot = shared.get();
  return SnapshotRef(snapshot, [shared = std::move(shared)](const Snapshot*) {});
}

upstream::OptionsRef upstreamOptions(const SnapshotRef& snapshot) { return {snapshot, &snapshot->options}; }

}  // namespace peerpulse::proxy
