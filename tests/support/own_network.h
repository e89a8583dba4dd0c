// A network namespace of the test's own, whose loopback has 127/8, fd00::1 and fd00::2: sockets may be destroyed and tables
// made there without anybody noticing. And TCP connections in it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/fd.h"

namespace peerpulse {

/// Requires a process of one thread.
void enterOwnNetwork();
/// Empty, or why there is none here: tests that need the kernel are left out then.
const std::string& noOwnNetwork();

SocketAddress addressOf(const std::string& text);

/// Listens, and is connected to.
class LocalServer {
 public:
  explicit LocalServer(const SocketAddress& address);
  /// The port may be the system's choice.
  SocketAddress address() const { return address_; }
  /// The next connection from its queue.
  Fd accept() const;
  /// Whether there is one.
  bool waits() const;

 private:
  Fd fd_;
  SocketAddress address_;
};

/// A blocking socket connected to `to` from `from` (family AF_UNSPEC: any own address). Not valid, and errno says why, if the
/// connect failed.
Fd connectTo(const SocketAddress& to, uint32_t mark = 0, const SocketAddress& from = {});
/// Begins to connect, and does not wait.
Fd startConnect(const SocketAddress& to, const SocketAddress& from);
/// The errno of the next read, 0 for a byte or the end, EAGAIN if nothing has happened.
int readError(const Fd& fd);

/// Runs commands of nft: what they print, and what they failed with as "error: ...".
std::string nft(const std::string& commands);

/// While it lives this thread, and those that it starts, have no CAP_NET_ADMIN.
class WithoutNetAdmin {
 public:
  WithoutNetAdmin();
  ~WithoutNetAdmin();
  WithoutNetAdmin(const WithoutNetAdmin&) = delete;
  WithoutNetAdmin& operator=(const WithoutNetAdmin&) = delete;

 private:
  uint32_t before_;
};

}  // namespace peerpulse
