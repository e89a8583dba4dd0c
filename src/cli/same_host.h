// Addresses compared by their host.
//
// Threading: pure.
#pragma once

#include "peerpulse/base/address.h"

namespace peerpulse::cli {

/// All addresses of a host, of either family.
bool isWildcard(const SocketAddress& address);
/// Whether both are addresses of the same host, whatever their ports; IPv4 also when written as IPv6 maps it.
bool sameHost(const SocketAddress& a, const SocketAddress& b);

}  // namespace peerpulse::cli
