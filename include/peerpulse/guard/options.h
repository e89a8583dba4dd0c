// Options of the guard (design section 12): what this host does to the sockets of a dead peer. Filled by config/;
// immutable afterwards.
#pragma once

#include <cstdint>
#include <vector>

#include "peerpulse/base/address.h"

namespace peerpulse::guard {

/// What peerpulse is for a peer.
enum class Mode : uint8_t {
  kProxy,          ///< carries its traffic, and leaves every other socket alone
  kProxyAndGuard,  ///< carries its traffic and guards
  kGuard,          ///< guards only: no listener, no data path
};
/// "proxy", "proxy+guard", "guard".
const char* toString(Mode mode);
inline bool guards(Mode mode) { return mode != Mode::kProxy; }
inline bool carries(Mode mode) { return mode != Mode::kGuard; }

struct Options {
  /// Of peers that do not say otherwise.
  Mode mode = Mode::kProxyAndGuard;
  /// A connection is guarded if either of its ports is one of these; none: the ports of all peers' addresses and links, which in a
  /// cluster of equals is the local store's, too.
  std::vector<uint16_t> ports;
  static constexpr size_t kMaxPorts = 16;
  /// Somebody else on the network who answers a TCP connect, be it by RST (the gateway); family AF_UNSPEC: nobody. He is
  /// asked when no other peer can say that it is not this host that is cut off.
  SocketAddress witness;
  /// Refused at once, at most; 0: all but one, or all if there is a witness.
  uint32_t maxPeers = 0;
  /// SO_MARK of our own sockets to peers, which pass and are left alone.
  uint32_t mark = 0x70;
};

}  // namespace peerpulse::guard
