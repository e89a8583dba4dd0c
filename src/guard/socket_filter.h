// SocketFilter: the program by which the kernel chooses, while it walks its table of sockets, those that run to or from
// one host on one of some ports and do not carry our mark. Tens of thousands of other sockets are never copied to us.
//
// Pure. The instructions are inet_diag_bc_op's (linux/inet_diag.h): each jumps ahead by `yes` or `no` bytes; who arrives
// exactly at the end is taken, who jumps beyond is not. The kernel checks that each `no` leads to where a chain of `yes`
// passes, so an "or" needs a jump of its own behind each alternative, as iproute2's ss writes it.
#pragma once

#include <cstdint>
#include <vector>

#include "peerpulse/base/address.h"

namespace peerpulse::guard {

/// `host` is IPv4 or IPv6, its port does not count; an IPv4 host is also found in the sockets of IPv6 that are mapped to it.
/// `mark` 0: whatever their mark. `ports` is not empty.
std::vector<uint8_t> socketFilter(const SocketAddress& host, const std::vector<uint16_t>& ports, uint32_t mark);

}  // namespace peerpulse::guard
