// ListenerGates: the listening sockets of the peers, and whether each refuses. A peer with `on_dead: refuse`
// refuses connections exactly while its circuit is open and the prober is alive to say so.
//
// Threading: reconcile() from the prober's thread (at once, on a transition) and from the main thread (every
//   100 ms, so that a prober that stopped cannot keep a peer shut); the sockets lock against each other.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "peerpulse/health/circuit_table.h"
#include "peerpulse/net/listener.h"
#include "peerpulse/proxy/options.h"

namespace peerpulse::server {

class ListenerGates {
 public:
  explicit ListenerGates(const health::CircuitTable& table) : table_(table) {}

  /// Binds every peer's listener; the error names the peer. Until then nothing is accepted.
  Result<void> open(const std::vector<proxy::PeerOptions>& peers);

  /// Makes the socket of `peer` what the circuit table says; true if it changed.
  bool reconcile(PeerId peer, TimePoint now);

  /// Draining: whatever the table says, nothing listens again.
  void close() { closed_.store(true, std::memory_order_release); }

  /// By PeerId; the pointers live as long as this.
  const std::vector<net::ListenSocket*>& sockets() const { return sockets_; }

 private:
  const health::CircuitTable& table_;
  std::vector<proxy::OnDead> onDead_;
  std::vector<std::unique_ptr<net::ListenSocket>> owned_;
  std::vector<net::ListenSocket*> sockets_;
  std::atomic<bool> closed_{false};
};

}  // namespace peerpulse::server
