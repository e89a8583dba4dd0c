// EchoSockets: the ICMP sockets of one prober, one for each address family that its peers have, and the way of their
// answers to the peers.
//
// Threading: the prober's thread.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "icmp_echo.h"
#include "peerpulse/base/peer_id.h"

namespace peerpulse::probe {

class EchoSockets {
 public:
  using OnAnswer = std::function<void(uint32_t slot, uint32_t sequence)>;

  /// `addresses`: by a peer's slot; those of no ICMP family (unix sockets) get no echoes. `either`: there are peers that may
  /// move() to another family. `token` and `mark` as of IcmpEcho.
  /// The callback is told of answers from the peer's own address only.
  EchoSockets(event::Dispatcher& dispatcher, std::vector<SocketAddress> addresses, bool either, uint64_t token,
              uint32_t mark, OnAnswer onAnswer);

  /// The peer is there from now on.
  void move(uint32_t slot, const SocketAddress& address) { addresses_[slot] = address; }
  /// Null where the peer's host cannot be asked.
  IcmpEcho* of(uint32_t slot) const;
  /// Why there is none, if a peer needs one.
  const Result<void>& status() const { return status_; }

 private:
  static size_t indexOf(int family) { return family == AF_INET6 ? 1 : 0; }

  std::vector<SocketAddress> addresses_;
  OnAnswer onAnswer_;
  std::array<std::unique_ptr<IcmpEcho>, 2> sockets_;
  Result<void> status_;
};

}  // namespace peerpulse::probe
