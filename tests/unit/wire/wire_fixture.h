// One loop with a scripted peer on it, and raw sockets for clients that do what no client should.
#pragma once

#include <cerrno>
#include <string>
#include <sys/socket.h>

#include "peerpulse/net/plain_transport.h"
#include "run_until.h"
#include "scripted_client.h"
#include "scripted_peer.h"

namespace peerpulse::test {

using Kind = wire::End::Kind;

struct WireLoop {
  ~WireLoop() { dispatcher.clearDeferred(); }
  template <typename Condition>
  void until(Condition condition) {
    runUntil(dispatcher, condition);
  }
  /// Whatever the connection could read and write by now it has.
  void untilStill(wire::CodecConnection& connection) {
    int same = 0;
    uint64_t last = 0;
    until([&] {
      same = connection.bytesMoved() == last ? same + 1 : 0;
      last = connection.bytesMoved();
      return same >= 20;
    });
  }
  /// The first connection that the peer accepted.
  TestPeer::Served& served() { return *peer.connections.front(); }
  ServedRequest& request() { return *peer.requests.front(); }

  event::Dispatcher dispatcher;
  net::PlainConnector connector{dispatcher};
  wire::IoContext io{dispatcher, connector};
  TestPeer peer{dispatcher, io};
};

/// A connected socket without any manners. The loop has to run between what it does and what it sees.
class RawClient {
 public:
  explicit RawClient(const SocketAddress& address, int receiveBuffer = 0)
      : fd_(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receiveBuffer > 0)
      REQUIRE(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receiveBuffer, sizeof receiveBuffer) == 0);
    REQUIRE(::connect(fd_.get(), address.get(), address.length()) == 0);
  }
  /// What the kernel takes at once, which is what it returns; -1: errno is in `error`.
  ssize_t trySend(std::string_view bytes) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) error = errno;
    return n;
  }
  void send(std::string_view bytes) { REQUIRE(trySend(bytes) == static_cast<ssize_t>(bytes.size())); }
  void endOutput() { REQUIRE(::shutdown(fd_.get(), SHUT_WR) == 0); }
  /// Takes what is there, at most about `most` bytes; true once there is nothing more to come.
  bool receive(size_t most = SIZE_MAX) {
    char block[16 * 1024];
    for (size_t taken = 0; !ended && error == 0 && taken < most;) {
      const ssize_t n = ::recv(fd_.get(), block, sizeof block, MSG_DONTWAIT);
      if (n < 0 && errno == EAGAIN) break;
      if (n < 0) error = errno;
      if (n == 0) ended = true;
      if (n > 0) received.append(block, static_cast<size_t>(n));
      if (n > 0) taken += static_cast<size_t>(n);
    }
    return ended || error != 0;
  }
  void close() { fd_.reset(); }

  std::string received;
  bool ended = false;  ///< in order
  int error = 0;

 private:
  Fd fd_;
};

}  // namespace peerpulse::test
