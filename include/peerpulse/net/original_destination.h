// OriginalDestination: where a connection was meant to go, whatever became of that on its way.
//
// Threading: free functions without state.
#pragma once

#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"

namespace peerpulse::net {

/// Of an accepted TCP connection: what its client had given to connect(), where rules of this host (NAT) turned it to us; else
/// our own address. The error: the kernel does not know it (any more).
Result<SocketAddress> originalDestination(int fd);

/// An address of IPv4 that is written as IPv6 (::ffff:10.0.0.2, RFC 4291 2.5.5.2) as what goes over the network; any other as
/// it is.
SocketAddress withoutMapping(const SocketAddress& address);

}  // namespace peerpulse::net
