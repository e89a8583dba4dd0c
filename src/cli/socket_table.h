// The TCP sockets of this network namespace, as /proc/net/tcp and tcp6 list them.
//
// Threading: pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host_files.h"
#include "peerpulse/base/address.h"

namespace peerpulse::cli {

struct TcpSocket {
  SocketAddress local;
  SocketAddress remote;
  bool listening = false;
  bool established = false;
  uint64_t inode = 0;
};

/// Lines that are none of such a table are skipped.
std::vector<TcpSocket> parseTcpTable(std::string_view text);
/// Both families.
std::vector<TcpSocket> tcpSockets(const HostFiles& files);

bool isWildcard(const SocketAddress& address);
/// Addresses of the same host, whatever their ports; IPv4 also when written as IPv6 maps it.
bool sameHost(const SocketAddress& a, const SocketAddress& b);

}  // namespace peerpulse::cli
