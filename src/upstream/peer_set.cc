#include "peerpulse/upstream/peer_set.h"

#include <algorithm>

#include "peerpulse/base/assert.h"

namespace peerpulse::upstream {

PeerSet::PeerSet(uint64_t version, std::vector<PeerOptionsRef> peers) : version_(version), peers_(std::move(peers)) {
  for (size_t i = 0; i < peers_.size(); ++i) {
    for (size_t j = 0; j < i; ++j)
      PP_ASSERT(slot(peers_[i]->id) != slot(peers_[j]->id) && peers_[i]->name != peers_[j]->name);
  }
}

const PeerOptionsRef* PeerSet::find(PeerId id) const {
  const auto at = std::find_if(peers_.begin(), peers_.end(), [id](const auto& peer) { return peer->id == id; });
  return at == peers_.end() ? nullptr : &*at;
}

const PeerOptionsRef* PeerSet::find(std::string_view name) const {
  const auto at = std::find_if(peers_.begin(), peers_.end(), [name](const auto& peer) { return peer->name == name; });
  return at == peers_.end() ? nullptr : &*at;
}

}  // namespace peerpulse::upstream
