#include "acceptor.h"

#include <cerrno>
#include <sys/socket.h>

#include "peerpulse/net/socket.h"

namespace peerpulse::bench {

namespace {
constexpr int kBacklog = 1024;
}

Result<std::unique_ptr<Acceptor>> Acceptor::open(EpollLoop& loop, const SocketAddress& address,
                                                 std::function<void(Fd)> onAccept) {
  auto socket = net::createListenSocket(address, kBacklog);
  if (!socket) return socket.error();
  const int fd = socket->get();
  auto acceptor = std::unique_ptr<Acceptor>(new Acceptor(loop, std::move(*socket), std::move(onAccept)));
  if (auto watching = loop.watch(fd, *acceptor); !watching) return watching.error();
  return acceptor;
}

SocketAddress Acceptor::address() const { return net::localAddress(socket_.get()); }

void Acceptor::onEvents(uint32_t) {
  while (true) {
    Fd accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted.valid()) {
      // Without it the connection is slower, and the figures say so.
      (void)net::applyOptions(accepted.get(), {});
      onAccept_(std::move(accepted));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      loop_.fail(systemError("accept", errno));
      return;
    }
  }
}

}  // namespace peerpulse::bench
