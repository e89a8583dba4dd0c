// ListenerGates: the listening sockets of the peers, each in the state that gateFor() asks for.
//
//   prober, on a transition:   table_.publish(), then settle()        at once
//   main, every 100 ms:        follow()                               what time changes: a prober that stalls or is back
//   main, at the drain:        drain()
//
// Two threads may want to change one socket, and the older decision must not win. So nobody hands in a decision: who
// comes takes the gate's lock and, with the lock held, reads what gateFor() depends on and makes the socket that.
// Claim: once every change of an input was followed by a settle() of its own, the socket is what gateFor() says of the
//   newest inputs.
// Argument: take the settle() that got the lock last. Each change's own settle() came no later than it; either it is
//   that one, which began after its change, or it released the lock before, and what its thread had read or written by
//   then is visible to the one after it (an atomic never goes back for a reader ordered behind another). So the last
//   one read every input no older than any change left it, and nobody touches the socket after it.
// Inputs: the circuit word (changed by the prober, which settles), draining (changed by drain(), which settles), and
//   the beat, which has no change to be followed: it runs out. follow() looks every 100 ms. `now` is read before the
//   lock, but the beat inside: an old `now` can only find the prober alive, which the next look mends.
// follow() looks without the lock first, and takes it only if the socket differs from what is wanted: that is rare, so
//   the prober hardly ever finds the lock taken. What is missed by that is the doing of somebody who settles himself.
//
// Threading: as above; any thread may settle. Who accepts need not be told: acceptors follow the socket.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "gate.h"
#include "peerpulse/base/mutex.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/net/listener.h"
#include "peerpulse/proxy/options.h"

namespace peerpulse::server {

/// A socket that could not be made what its gate says. It is tried again by follow().
struct GateFailure {
  PeerId peer{};
  Gate wanted{};
  int error = 0;  ///< errno
};

struct Settled {
  /// What the gate was changed to.
  std::optional<Gate> changed;
  /// Said once, not at each attempt.
  std::optional<GateFailure> failure;
};

class ListenerGates {
 public:
  explicit ListenerGates(const health::CircuitTable& table) : table_(table) {}

  /// Binds the listener of every peer that has one; the error names the peer. Until then nothing is accepted.
  Result<void> open(const std::vector<proxy::PeerOptions>& peers);

  /// After the peer's word in the table changed.
  Settled settle(PeerId peer, TimePoint now);
  /// From time to time: whether the prober beats, and what failed before.
  Settled follow(PeerId peer, TimePoint now);
  /// For good: whatever the table says, nothing listens again. Clients that wait in the accept queues are handed to the
  /// acceptors.
  std::vector<GateFailure> drain(TimePoint now);

  /// By PeerId; null for a peer without a listener. The pointers live as long as this.
  const std::vector<net::ListenSocket*>& sockets() const { return sockets_; }

 private:
  struct Entry {
    proxy::OnDead onDead{};
    std::unique_ptr<net::ListenSocket> socket;
    Mutex mutex;
    int lastError PP_GUARDED_BY(mutex) = 0;  // of the last attempt
  };

  Gate wanted(PeerId peer, TimePoint now, bool draining) const;

  const health::CircuitTable& table_;
  std::vector<std::unique_ptr<Entry>> entries_;  // by PeerId; null: no listener, nothing to settle
  std::vector<net::ListenSocket*> sockets_;
  std::atomic<bool> draining_{false};
};

}  // namespace peerpulse::server
