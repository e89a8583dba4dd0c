#include "relayed_connection.h"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "peerpulse/net/socket.h"

namespace peerpulse::bench {

namespace {

bool wouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

Result<Fd> connectTo(const SocketAddress& target) {
  auto socket = net::createStreamSocket(target);
  if (!socket) return socket;
  if (auto set = net::applyOptions(socket->get(), {}); !set) return set.error();
  if (auto started = net::startConnect(socket->get(), target); !started) return started.error();
  return socket;
}

}  // namespace

void RelayedConnection::start(EpollLoop& loop, BlockPool& blocks, Fd client, const SocketAddress& target) {
  auto upstream = connectTo(target);
  if (!upstream) {
    net::setResetOnClose(client.get());
    return;
  }
  auto connection = new RelayedConnection(loop, blocks, std::move(client), std::move(*upstream));
  for (End* end : {&connection->client_, &connection->upstream_}) {
    if (auto watching = loop.watch(end->fd.get(), *end); !watching) {
      connection->close(true);
      return;
    }
  }
}

void RelayedConnection::End::onEvents(uint32_t events) {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hungUp = true;
  if ((events & EPOLLIN) != 0 || hungUp) readable = true;
  if ((events & EPOLLOUT) != 0) writable = true;
  owner.carry();
}

void RelayedConnection::carry() {
  if (closed_) return;
  if (!move(client_, upstream_, toUpstream_) || !move(upstream_, client_, toClient_)) {
    close(true);
  } else if (client_.finished && upstream_.finished) {
    close(false);
  }
}

bool RelayedConnection::move(End& from, End& to, Flow& flow) {
  size_t moved = 0;
  while (moved < kTurnLimit) {
    if (!flow.block) {
      if (!from.readable || from.ended) break;
      if (!read(from, flow)) return false;
      moved += flow.end;
    }
    if (!flow.block || !to.writable) break;
    if (!write(to, flow)) return false;
  }
  if (from.ended && !flow.block) return to.finished || passOnEnd(to);
  return moved < kTurnLimit || loop_.rearm(from.fd.get(), from).has_value();
}

bool RelayedConnection::read(End& from, Flow& flow) {
  BlockPool::Block block = blocks_.take();
  const ssize_t n = ::recv(from.fd.get(), block->data(), block->size(), 0);
  if (n > 0) {
    flow = {std::move(block), 0, static_cast<size_t>(n)};
    // Less than asked for is all there is. The next byte is an edge again, but an end that was told already is not.
    from.readable = flow.end == BlockPool::kBlockSize || from.hungUp;
    return true;
  }
  const int error = errno;
  blocks_.giveBack(std::move(block));
  if (n == 0) {
    from.ended = true;
    return true;
  }
  from.readable = error == EINTR;
  return error == EINTR || wouldBlock(error);
}

bool RelayedConnection::write(End& to, Flow& flow) {
  const ssize_t n = ::send(to.fd.get(), flow.block->data() + flow.begin, flow.end - flow.begin, MSG_NOSIGNAL);
  if (n < 0) {
    to.writable = errno == EINTR;
    return errno == EINTR || wouldBlock(errno);
  }
  flow.begin += static_cast<size_t>(n);
  if (flow.begin == flow.end) {
    blocks_.giveBack(std::move(flow.block));
    flow = {};
  } else {
    to.writable = false;
  }
  return true;
}

bool RelayedConnection::passOnEnd(End& to) {
  // Not connected yet: it waits for the connection, or its failure.
  if (!to.writable) return true;
  to.finished = true;
  return ::shutdown(to.fd.get(), SHUT_WR) == 0;
}

void RelayedConnection::close(bool failed) {
  closed_ = true;
  for (End* end : {&client_, &upstream_}) {
    if (failed) net::setResetOnClose(end->fd.get());
    end->fd.reset();
  }
  loop_.retire(std::unique_ptr<LoopObject>(this));
}

}  // namespace peerpulse::bench
