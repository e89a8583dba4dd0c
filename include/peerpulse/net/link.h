// The carrier of this host's own links.
#pragma once

#include "peerpulse/base/address.h"

namespace peerpulse::net {

/// Whether the interface that has `local` is up and has a carrier. False too when no interface has the address (any
/// more). True for addresses that are no IP addresses, and when the interfaces cannot be listed: no accusation
/// without evidence. Costs a netlink exchange, some ten microseconds.
bool linkUp(const SocketAddress& local);

}  // namespace peerpulse::net
