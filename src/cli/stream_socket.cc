#include "stream_socket.h"

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

#include "peerpulse/net/socket.h"

namespace peerpulse::cli {

Result<StreamSocket> StreamSocket::connect(const SocketAddress& to, const Deadline& deadline, uint32_t mark) {
  auto fd = net::createStreamSocket(to);
  if (!fd) return fd.error();
  if (auto marked = net::setMark(fd->get(), mark); !marked) return marked.error();
  StreamSocket socket(std::move(*fd));
  if (auto started = net::startConnect(socket.fd_.get(), to); !started) return started.error();
  if (auto ready = socket.wait(POLLOUT, deadline); !ready)
    return systemError("connect " + to.toString(), ready.error().code);
  if (const int error = net::connectError(socket.fd_.get()); error != 0) {
    return systemError("connect " + to.toString(), error);
  }
  return socket;
}

Result<void> StreamSocket::wait(short events, const Deadline& deadline) const {
  for (;;) {
    pollfd entry{fd_.get(), events, 0};
    const int ready = ::poll(&entry, 1, deadline.pollMillis());
    if (ready > 0) return {};
    if (ready == 0) return systemError("wait", ETIMEDOUT);
    if (errno != EINTR) return systemError("poll", errno);
  }
}

Result<void> StreamSocket::send(std::string_view bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      if (auto ready = wait(POLLOUT, deadline); !ready) return systemError("send", ready.error().code);
    } else if (errno != EINTR) {
      return systemError("send", errno);
    }
  }
  return {};
}

Result<size_t> StreamSocket::receive(char* into, size_t size, const Deadline& deadline) {
  for (;;) {
    const ssize_t n = ::recv(fd_.get(), into, size, MSG_DONTWAIT);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno == EAGAIN) {
      if (auto ready = wait(POLLIN, deadline); !ready) return systemError("receive", ready.error().code);
    } else if (errno != EINTR) {
      return systemError("receive", errno);
    }
  }
}

}  // namespace peerpulse::cli
