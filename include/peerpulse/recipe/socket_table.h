// SocketTable: the TCP sockets of this network namespace and whose they are: /proc/net/tcp, tcp6 and the descriptors in /proc/<pid>/fd.
// Of other users' processes only root sees the owner.
//
// parse() is pure; read() blocks for as long as the kernel takes. Addresses of IPv4 that an IPv6 socket has are IPv4 here.
// Threading: a value. Errors: what cannot be read is missing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace peerpulse::recipe {

struct TcpSocket {
  std::string local;   ///< ADDRESS:PORT, [ADDRESS]:PORT
  std::string remote;  ///< of a listening one port 0
  bool listens = false;
  bool open = false;  ///< established
  uint64_t inode = 0;
};

/// The text of /proc/net/tcp or tcp6.
std::vector<TcpSocket> parseSocketTable(std::string_view text);

struct Owner {
  int pid = 0;
  std::string command;  ///< /proc/<pid>/comm
};

struct SocketTable {
  std::vector<TcpSocket> sockets;
  std::map<uint64_t, Owner> owners;  ///< by inode
  bool seesAll = false;              ///< the owners of all users; but for sockets that came or went meanwhile

  static SocketTable read();
  /// Who listens at the port on every address, and so on those that a recipe has made for peers; null: nobody.
  const TcpSocket* wildcardAt(const std::string& port) const;
};

}  // namespace peerpulse::recipe
