#include "served_connection.h"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "peerpulse/net/socket.h"

namespace peerpulse::bench {

namespace {

constexpr int kMaxIovecs = 256;

bool wouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

void ServedConnection::start(EpollLoop& loop, ReadBuffer& buffer, const ReplyMaker& replies, Fd socket) {
  const int fd = socket.get();
  auto connection = new ServedConnection(loop, buffer, replies, std::move(socket));
  if (auto watching = loop.watch(fd, *connection); !watching) connection->close();
}

void ServedConnection::onEvents(uint32_t events) {
  if (!socket_.valid()) return;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hungUp_ = true;
  const bool readable = hungUp_ || (events & EPOLLIN) != 0;
  if ((readable && !read()) || !send()) close();
}

bool ServedConnection::read() {
  size_t received = 0;
  while (received < kTurnLimit) {
    const ssize_t n = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return wouldBlock(errno);
    if (n == 0) return false;
    if (!receive({buffer_.data(), static_cast<size_t>(n)})) return false;
    // Less than asked for is all there is; but the end, once told, is not told again.
    if (static_cast<size_t>(n) < buffer_.size() && !hungUp_) return true;
    received += static_cast<size_t>(n);
  }
  return loop_.rearm(socket_.get(), *this).has_value();
}

bool ServedConnection::receive(std::string_view bytes) {
  if (!session_) {
    // No request of HTTP/1 that the origin answers begins like the preface of HTTP/2.
    session_ = bytes.front() == 'P' && !bytes.starts_with("PU") ? createHttp2Session(replies_)
                                                                : createHttp1Session(replies_);
  }
  return session_->receive(bytes);
}

bool ServedConnection::send() {
  if (!session_) return true;
  while (true) {
    if (!session_->produce(output_, kOutputLimit)) return false;
    if (output_.empty()) return true;
    const Did did = write();
    if (did != Did::kAll) return did == Did::kWouldBlock;
  }
}

ServedConnection::Did ServedConnection::write() {
  std::array<iovec, kMaxIovecs> parts;
  msghdr message{};
  message.msg_iov = parts.data();
  while (!output_.empty()) {
    message.msg_iovlen = static_cast<size_t>(output_.fillIovecs(parts.data(), kMaxIovecs));
    const ssize_t n = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return wouldBlock(errno) ? Did::kWouldBlock : Did::kFailed;
    output_.drain(static_cast<size_t>(n));
  }
  return Did::kAll;
}

void ServedConnection::close() {
  socket_.reset();
  loop_.retire(std::unique_ptr<LoopObject>(this));
}

}  // namespace peerpulse::bench
