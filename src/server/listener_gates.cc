#include "listener_gates.h"

#include "peerpulse/log/log.h"

namespace peerpulse::server {

Result<void> ListenerGates::open(const std::vector<proxy::PeerOptions>& peers) {
  for (const proxy::PeerOptions& peer : peers) {
    auto socket = net::ListenSocket::open(peer.listen);
    if (!socket) return Error{"peer " + peer.name + ": " + socket.error().message, socket.error().code};
    sockets_.push_back(socket->get());
    owned_.push_back(std::move(*socket));
    onDead_.push_back(peer.onDead);
  }
  return {};
}

bool ListenerGates::reconcile(PeerId peer, TimePoint now) {
  if (onDead_[index(peer)] != proxy::OnDead::kRefuse || closed_.load(std::memory_order_acquire)) return false;
  net::ListenSocket& socket = *owned_[index(peer)];
  const health::CircuitWord word = table_.load(peer);
  const bool refuse = word.circuit == health::CircuitState::kOpen && (word.overridden || !table_.proberStalled(now));
  if (refuse == socket.refusing()) return false;
  auto changed = refuse ? socket.refuse() : socket.listen();
  if (!changed) {
    log::write(log::Level::kError, "listener_gate_failed",
               log::Fields().add("listen", socket.address().toString()).add("error", changed.error().message));
  }
  return changed.has_value();
}

}  // namespace peerpulse::server
