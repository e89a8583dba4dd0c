// CarrySetup: what the carrying half of a world is: workers, configuration, the manners of peers and the habits of local
// clients. Everything is drawn from the seed; a named scenario sets the same fields.
#pragma once

#include <array>
#include <cstdint>

#include "fanout_setup.h"
#include "local_client.h"
#include "peerpulse/proxy/options.h"
#include "random.h"
#include "storage_peer.h"

namespace peerpulse::sim {

struct WorldSetup;
inline constexpr uint32_t kMaxCarryingPeers = 4;

/// Whose fault a failure can be in this world.
enum class Trouble : uint8_t {
  kNone,     ///< nobody's: all is well
  kClients,  ///< only clients misbehave
  kPeers,    ///< storage processes do, hosts and paths are well
  kAny,      ///< faults of hosts and paths too
};
const char* toString(Trouble trouble);

struct CarrySetup {
  bool on = false;
  Trouble trouble = Trouble::kNone;
  uint32_t workers = 1;
  proxy::ProxyOptions options;  ///< without peers
  proxy::OnDead onDead = proxy::OnDead::kRespond;
  std::array<PeerManners, kMaxCarryingPeers> manners;
  uint32_t clients = 2;  ///< per peer
  ClientHabits habits;
  Duration directEvery{};  ///< requests without a client, per worker and peer; zero: none
  test::HostOptions sockets;
  uint32_t splitPercent = 0;  ///< of reads and writes that move only a part
  Duration turnCost{};        ///< a worker is busy for so long after each turn
  FanoutSetup fanout;

  /// Neither it nor its host or path does anything wrong in this world; some clients may.
  bool blameless(uint32_t peer) const {
    return trouble == Trouble::kNone || trouble == Trouble::kClients ||
           (trouble == Trouble::kPeers && manners[peer].honest());
  }

  /// Limits so small that honest requests may meet them.
  bool tight() const { return options.pool.maxConnections < 64 || options.pool.maxPending < 256; }
};

/// The defaults of the generic preset, or of the storage presets.
proxy::ProxyOptions carryOptions(bool generic);
/// Gives a drawn world what it needs to carry traffic.
void addCarrying(Random& random, WorldSetup& world);
/// A world that carries traffic, with its probes, paths and faults.
WorldSetup drawCarryWorld(Random& random);

}  // namespace peerpulse::sim
