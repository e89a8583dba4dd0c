// Scenario: what a world is and what befalls it. Everything is drawn from the seed; a named scenario sets the same
// fields by hand.
#pragma once

#include <array>
#include <cstdint>

#include "carry_setup.h"
#include "checkers.h"
#include "link_model.h"
#include "peer_model.h"
#include "peerpulse/health/probe_options.h"
#include "random.h"
#include "tcp_connection.h"

namespace peerpulse::sim {

struct PeerSetup {
  health::ProbeOptions probe;
  PeerOptions peer;
  LinkOptions out, back;
  TcpOptions tcp;
  Duration exchangeEvery{};  ///< where a world carries: a metronome of small GETs instead of drawn clients
};

struct WorldSetup {
  Profile profile = Profile::kLan;
  uint32_t peers = 1;
  std::array<PeerSetup, kMaxPeers> peer;
  bool randomFaults = false;
  CarrySetup carry;
  /// Drawn clients; else only metronomes.
  bool randomClients() const { return carry.clients > 0; }
};

/// `peers` 0: as many as are drawn.
WorldSetup drawWorld(Random& random, uint32_t peers = 0);
/// The same with one peer, traffic through the real workers, and a small request every so long (zero: drawn clients).
WorldSetup busyWorld(Profile profile, Duration every);
/// A quiet, loss-free world of `peers` HTTP/2 servers.
WorldSetup quietWorld(Profile profile, uint32_t peers);

enum class FaultKind : uint8_t {
  // Of one peer.
  kPowerCut,
  kKill,
  kStop,          ///< its process: GC, SIGSTOP
  kPartition,     ///< both ways
  kCutOut,        ///< towards the peer
  kCutBack,       ///< from the peer
  kLoss,          ///< more of it, for a while
  kReroute,       ///< its path gets longer, for a while
  kAcceptFull,    ///< its accept queue
  kClose,         ///< closes the probe connection
  kForget,        ///< a middlebox forgets its connections
  kFilterEchoes,  ///< a firewall drops ICMP
  kGray,          ///< fails exchanges, answers PINGs
  // Of this host.
  kBlockProcess,  ///< SIGSTOP of the whole process
  kBlockProber,   ///< only of its prober's thread
  kStarve,        ///< the prober gets too little CPU
  kNoConnects,    ///< no descriptors or no route
  kCutAll,        ///< its own link
};
const char* toString(FaultKind kind);

struct Fault {
  FaultKind kind{};
  Duration lasts{};
  uint32_t amount = 0;  ///< kLoss: per million; kStarve: percent of the times; kNoConnects: errno
  Duration delay{};     ///< kReroute: more one-way delay; kStarve: the lateness
};

/// The next one of a peer, or of this host; `calm` is how long before it nothing happens.
Fault drawPeerFault(Random& random, Profile profile, Duration& calm);
Fault drawHostFault(Random& random, Profile profile, Duration& calm);

}  // namespace peerpulse::sim
