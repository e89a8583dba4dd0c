// Snapshot: one version of the configuration as the workers see it. Immutable; each exchange pins the one it began with,
// so that a reload (a new snapshot) is no business of what is in flight.
//
// Threading: immutable, shared by std::shared_ptr. Each worker holds a reference count of its own (ofWorker()): exchanges
//   on different processors must not fight for one counter.
#pragma once

#include <cstdint>
#include <memory>

#include "peerpulse/proxy/options.h"
#include "peerpulse/upstream/peer_set.h"

namespace peerpulse::proxy {

struct Snapshot {
  Snapshot(uint64_t version, ProxyOptions options);

  /// Null when it is not in this version.
  const PeerOptions* find(PeerId id) const;

  uint64_t version;
  ProxyOptions options;
  upstream::PeerSet peers;  ///< of options.peers
  upstream::PeerSet nodes;  ///< the same without Role::kStore: the cluster's
};

using SnapshotRef = std::shared_ptr<const Snapshot>;

/// The same snapshot under a reference count of its own, which keeps `shared`.
SnapshotRef ofWorker(SnapshotRef shared);
/// What upstream pins of it.
upstream::OptionsRef upstreamOptions(const SnapshotRef& snapshot);

}  // namespace peerpulse::proxy
