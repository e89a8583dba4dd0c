// NetlinkSocket: a netlink socket of one family that never waits for long.
//
// The kernel carries a request out inside of send(), so that its answers lie ready when send() returns; a receive that finds
// nothing for kPatience (a dump goes on in steps) fails with EAGAIN instead of hanging.
//
// Threading: one thread at a time. Ownership: owns the socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <libmnl/libmnl.h>
#include <memory>

#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"

namespace peerpulse::netlink {

/// The room that a message or attribute of this length takes (MNL_ALIGN, for unsigned numbers).
constexpr size_t alignedSize(size_t length) { return (length + 3) / 4 * 4; }

class NetlinkSocket {
 public:
  /// `family`: NETLINK_SOCK_DIAG, NETLINK_NETFILTER.
  static Result<NetlinkSocket> open(int family);

  /// All of it, or an error.
  Result<void> send(const void* data, size_t size);
  /// Numbers for the messages of a request; never 0.
  uint32_t nextSequence();

  /// Reads until the answer to `sequence` has ended: NLMSG_DONE or an error message (of which 0 is none). `each` sees the
  /// messages of data. The Result's error has the errno of the kernel's answer.
  Result<void> receiveAll(uint32_t sequence, const std::function<void(const nlmsghdr&)>& each);
  /// The error messages that lie ready now, never waiting: `each` gets sequence and errno. Those that did not fit the
  /// socket's buffer are lost.
  void takeErrors(const std::function<void(uint32_t sequence, int error)>& each);

  static constexpr Duration kPatience = seconds(1);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { (void)mnl_socket_close(socket); }
  };
  static constexpr size_t kBuffer = 64 * 1024;
  static constexpr int kSendBuffer = 2 * 1024 * 1024;

  explicit NetlinkSocket(mnl_socket* socket) : socket_(socket), buffer_(std::make_unique<char[]>(kBuffer)) {}
  /// Bytes received; 0: nothing came. An error by errno.
  Result<size_t> receive(int flags);

  std::unique_ptr<mnl_socket, Close> socket_;
  std::unique_ptr<char[]> buffer_;
  uint32_t sequence_ = 0;
};

}  // namespace peerpulse::netlink
