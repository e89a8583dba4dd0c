// What the kernel knows of peers' addresses: hosts, whatever they are written as, and however many peers one has.
//
// Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "peerpulse/guard/guard.h"

namespace peerpulse::guard {

/// Addresses of IPv4 that are written as IPv6 (::ffff:10.0.0.2) become what goes over the network and what most sockets of
/// theirs are.
std::vector<GuardPeer> withoutMapping(std::vector<GuardPeer> peers);

std::vector<SocketAddress> withoutMapping(std::vector<SocketAddress> addresses);

/// By peer: those that share a host with it, itself included, whatever their ports.
std::vector<std::vector<size_t>> sharingOf(const std::vector<GuardPeer>& peers);

}  // namespace peerpulse::guard
