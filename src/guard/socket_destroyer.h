// SocketDestroyer: ends TCP sockets of this network namespace, whoever opened them, so that their owners hear of it at
// once: a blocked read(), write() or connect() returns ECONNABORTED, and what polls becomes readable.
//
//   dump (SOCK_DIAG, filtered by the kernel) -> those not heard of late -> SOCK_DESTROY, many requests a send -> dump again
//
// until a dump finds nothing more: sockets may have been opened meanwhile. Listening sockets and TIME_WAIT stay, and so
// does what nobody can be waiting for: a handshake that the peer began (its SYN is a sign of life), and what is left of a socket
// that was closed long ago.
// A request is carried out inside of send(), and only a failed one is answered; so a batch costs one system call, and one
//   more to find that nobody complains.
// A socket whose kernel heard the peer more recently than `heardWithin` is spared: whatever the probes say, its remote side
//   was there. It is looked at again when the caller comes back.
//
// Threading: one thread at a time; never a loop's, as it takes milliseconds for thousands of sockets.
// Bounds: kMaxSockets per pass, kMaxPasses.
#pragma once

#include <cstdint>
#include <linux/inet_diag.h>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"
#include "peerpulse/guard/destruction.h"
#include "peerpulse/netlink/netlink_socket.h"

namespace peerpulse::guard {

/// Whose sockets.
struct Target {
  SocketAddress host;           ///< its port does not count
  std::vector<uint16_t> ports;  ///< either end's
  Duration heardWithin{};
};

class SocketDestroyer {
 public:
  /// Sockets with `mark` are ours, and left alone.
  static Result<SocketDestroyer> open(uint32_t mark);
  /// Whether the kernel can (CONFIG_INET_DIAG_DESTROY) and lets us (CAP_NET_ADMIN).
  Result<void> permitted();

  static constexpr size_t kMaxSockets = 65'536;
  static constexpr int kMaxPasses = 4;

  Destruction destroy(const Target& target, int passes = kMaxPasses);

 private:
  struct Found {
    uint8_t family;
    inet_diag_sockid id;
  };

  SocketDestroyer(netlink::NetlinkSocket socket, uint32_t mark) : socket_(std::move(socket)), mark_(mark) {}
  /// `family`: of the host.
  bool sweep(int family, const std::vector<uint8_t>& filter, Duration heardWithin, Destruction& result);
  Result<void> dump(int family, const std::vector<uint8_t>& filter, Duration heardWithin, Destruction& result);
  void destroyFound(Destruction& result);

  netlink::NetlinkSocket socket_;
  uint32_t mark_;
  std::vector<Found> found_;
  std::vector<char> batch_;
};

}  // namespace peerpulse::guard
