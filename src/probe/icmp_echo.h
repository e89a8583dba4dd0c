// IcmpEcho: ICMP echo requests to many hosts of one address family, by one socket. A ping socket (SOCK_DGRAM), which needs
// no privilege where net.ipv4.ping_group_range has our group (both families), else a raw one (CAP_NET_RAW).
//
// One socket for all peers, not one for each: 1,000 peers take one descriptor, and one wake-up reads all that has come.
// Who is meant is in the payload: a token of this process, the peer, and a sequence that is never used again; the kernel's
// own identifier and 16 bit sequence are not enough to tell an old answer from a new one. An answer counts only if it
// comes from the address that was asked.
//
// Threading: the loop's thread. Errors: those of set-up by open(), of sending by send(); what comes in and is not ours is
// dropped.
// Bounds: at most kBatch answers are read in one turn of the loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "peerpulse/base/address.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/base/result.h"
#include "peerpulse/event/dispatcher.h"

namespace peerpulse::probe {

class IcmpEcho {
 public:
  using OnAnswer = std::function<void(uint32_t peer, uint32_t sequence, const SocketAddress& from)>;

  static constexpr int kBatch = 256;
  /// Asked of the kernel for answers that wait while our loop is late.
  static constexpr int kReceiveBuffer = 1 << 20;

  /// `family`: AF_INET or AF_INET6. `token` tells our echoes from those of other processes; `mark` is that of the socket
  /// (net::setMark()).
  static Result<std::unique_ptr<IcmpEcho>> open(event::Dispatcher& dispatcher, int family, uint64_t token,
                                                uint32_t mark, OnAnswer onAnswer);

  /// To the host of `to`, whatever its port. EAGAIN becomes ENOBUFS: it is our own queue that is full.
  Result<void> send(const SocketAddress& to, uint32_t peer, uint32_t sequence);
  /// For poll(): readable when answers wait.
  int fd() const { return fd_.get(); }
  bool raw() const { return raw_; }

  /// Whether both are addresses of the same host.
  static bool sameHost(const SocketAddress& a, const SocketAddress& b);

 private:
  IcmpEcho(event::Dispatcher& dispatcher, int family, uint64_t token, Fd fd, bool raw, OnAnswer onAnswer);
  void onReadable();

  const int family_;
  const uint64_t token_;
  const bool raw_;
  Fd fd_;
  OnAnswer onAnswer_;
  std::unique_ptr<event::FileEvent> event_;  // dies before the descriptor
};

}  // namespace peerpulse::probe
