#include "listener_gates.h"

namespace peerpulse::server {

namespace {

Result<void> make(net::ListenSocket& socket, Gate gate, bool draining) {
  if (gate == Gate::kOpen) return socket.listen();
  return draining ? socket.close() : socket.refuse();
}

Gate stateOf(const net::ListenSocket& socket) {
  return socket.state() == net::ListenSocket::State::kListening ? Gate::kOpen : Gate::kRefusing;
}

}  // namespace

Result<void> ListenerGates::open(const std::vector<proxy::PeerOptions>& peers) {
  for (const proxy::PeerOptions& peer : peers) {
    if (peer.listen.family() == AF_UNSPEC) {
      sockets_.push_back(nullptr);
      entries_.push_back(nullptr);
      continue;
    }
    auto socket = net::ListenSocket::open(peer.listen);
    if (!socket) return Error{"peer " + peer.name + ": " + socket.error().message, socket.error().code};
    sockets_.push_back(socket->get());
    entries_.push_back(std::make_unique<Entry>());
    entries_.back()->onDead = peer.onDead;
    entries_.back()->socket = std::move(*socket);
  }
  return {};
}

Gate ListenerGates::wanted(PeerId peer, TimePoint now, bool draining) const {
  return gateFor(table_.load(peer), table_.proberStalled(now), draining, entries_[slot(peer)]->onDead);
}

Settled ListenerGates::settle(PeerId peer, TimePoint now) {
  if (entries_[slot(peer)] == nullptr) return {};
  Entry& entry = *entries_[slot(peer)];
  const MutexLock lock(entry.mutex);
  // Only now, with the lock held: see the argument in the header.
  const bool draining = draining_.load(std::memory_order_acquire);
  const Gate gate = wanted(peer, now, draining);
  const Gate before = stateOf(*entry.socket);
  const auto made = make(*entry.socket, gate, draining);
  Settled settled;
  if (stateOf(*entry.socket) != before) settled.changed = gate;
  const int error = made ? 0 : made.error().code;
  if (error != 0 && error != entry.lastError) settled.failure = GateFailure{peer, gate, error};
  entry.lastError = error;
  return settled;
}

Settled ListenerGates::follow(PeerId peer, TimePoint now) {
  if (entries_[slot(peer)] == nullptr) return {};
  const bool draining = draining_.load(std::memory_order_acquire);
  if (wanted(peer, now, draining) == stateOf(*entries_[slot(peer)]->socket)) return {};
  return settle(peer, now);
}

std::vector<GateFailure> ListenerGates::drain(TimePoint now) {
  draining_.store(true, std::memory_order_release);
  std::vector<GateFailure> failures;
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    if (const Settled settled = settle(PeerId{i}, now); settled.failure) failures.push_back(*settled.failure);
  }
  return failures;
}

}  // namespace peerpulse::server
