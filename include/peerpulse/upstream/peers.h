// Peers: the Peer objects of one worker, made and removed as the peer set says.
//
// Threading: its worker's thread. Ownership: owns the peers; one that is removed ends its requests and lives until the
//   end of the turn.
#pragma once

#include <memory>
#include <vector>

#include "peerpulse/upstream/peer.h"
#include "peerpulse/upstream/peer_set.h"

namespace peerpulse::upstream {

class Peers {
 public:
  explicit Peers(Context& context) : context_(context) {}
  ~Peers();

  /// Makes the new ones, removes those that are gone, tells the others of changed options.
  void apply(const PeerSet& set);
  /// Null when there is none of that id (any more): what is posted to it is harmless.
  Peer* find(PeerId id) const;
  template <typename Visit>
  void forEach(Visit visit) const {
    for (const auto& peer : bySlot_) {
      if (peer) visit(*peer);
    }
  }

 private:
  void remove(std::unique_ptr<Peer>& peer);

  Context& context_;
  std::vector<std::unique_ptr<Peer>> bySlot_;  // at most kMaxPeers
};

}  // namespace peerpulse::upstream
