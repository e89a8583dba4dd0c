// Whether an address leads back to this host and to one of our own listening sockets: a peer there would be ourselves, and
// each request to it another one.
//
// Threading: pure, but for OwnHosts::ofThisHost(), which asks the kernel.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "peerpulse/base/address.h"

namespace peerpulse::config {

/// An IP address without its port; IPv4 as IPv6 maps it (RFC 4291 2.5.5.2), so that both ways to write it are equal.
using Host = std::array<uint8_t, 16>;

/// The addresses of this host's interfaces.
class OwnHosts {
 public:
  explicit OwnHosts(std::vector<Host> hosts) : hosts_(std::move(hosts)) {}
  /// Of now. Where the kernel does not tell, none but those of the loopback are known.
  static OwnHosts ofThisHost();

  /// All of 127/8 is, whatever is listed.
  bool has(const Host& host) const;

 private:
  std::vector<Host> hosts_;
};

/// `address` is TCP.
Host hostOf(const SocketAddress& address);

/// Whether a connect() to `address` on this host arrives at a socket that listens on `listen`: at a wildcard by each own
/// address, and a connect() to the wildcard goes to the loopback.
bool leadsTo(const SocketAddress& address, const SocketAddress& listen, const OwnHosts& own);

}  // namespace peerpulse::config
