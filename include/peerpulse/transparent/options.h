// Options of transparent mode: one listener for peers that clients call by their real addresses. Filled by config/;
// immutable afterwards.
#pragma once

#include "peerpulse/base/address.h"

namespace peerpulse::transparent {

struct Options {
  /// Where connects to peers of IPv4 and of IPv6 are turned to: loopback addresses, port 0 for the system's choice. Family
  /// AF_UNSPEC: no peer of that family is transparent.
  SocketAddress listen;
  SocketAddress listen6;

  bool enabled() const { return listen.family() != AF_UNSPEC || listen6.family() != AF_UNSPEC; }
};

}  // namespace peerpulse::transparent
