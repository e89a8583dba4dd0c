#include "peerpulse/upstream/peers.h"

#include <utility>

namespace peerpulse::upstream {

Peers::~Peers() = default;

void Peers::apply(const PeerSet& set) {
  for (auto& peer : bySlot_) {
    if (peer && set.find(peer->id()) == nullptr) remove(peer);
  }
  for (const PeerOptionsRef& options : set) {
    const size_t at = slot(options->id);
    if (bySlot_.size() <= at) bySlot_.resize(at + 1);
    auto& peer = bySlot_[at];
    if (peer == nullptr) {
      peer = std::make_unique<Peer>(context_, options);
    } else if (peer->optionsRef() != options) {
      peer->update(options);
    }
  }
}

void Peers::remove(std::unique_ptr<Peer>& peer) {
  std::unique_ptr<Peer> gone = std::move(peer);  // who is told of the end must not find it any more
  gone->retire();
  context_.io.scheduler.deferredDelete(std::move(gone));
}

Peer* Peers::find(PeerId id) const {
  const size_t at = slot(id);
  if (at >= bySlot_.size() || bySlot_[at] == nullptr || bySlot_[at]->id() != id) return nullptr;
  return bySlot_[at].get();
}

}  // namespace peerpulse::upstream
