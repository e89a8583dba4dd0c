#include "peerpulse/net/listener.h"

#include <cerrno>
#include <sys/socket.h>

namespace peerpulse::net {

namespace {

constexpr milliseconds kAcceptPause{50};
// Connections accepted in one turn of the loop before its other work goes on.
constexpr int kAcceptBatch = 64;

// While refusing, the port is bound but nobody listens on it: without this, another process with SO_REUSEADDR
// (the storage process itself) could take it and answer for the dead peer.
Result<void> setReuseAddress(int fd, bool on) {
  const int value = on ? 1 : 0;
  if (::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value) == 0) return {};
  return systemError("setsockopt SO_REUSEADDR", errno);
}

}  // namespace

ListenSocket::ListenSocket(Fd fd, SocketAddress address, int backlog)
    : fd_(std::move(fd)), address_(std::move(address)), backlog_(backlog) {}

Result<std::unique_ptr<ListenSocket>> ListenSocket::open(const SocketAddress& address, int backlog) {
  auto fd = createListenSocket(address, backlog);
  // The kernel gives a port that it chose itself back when the socket refuses; one that was asked for stays.
  if (fd && !address.isUnix() && address.port() == 0) {
    const SocketAddress chosen = localAddress(fd->get());
    fd->reset();
    fd = createListenSocket(chosen, backlog);
  }
  if (!fd) return fd.error();
  SocketAddress bound = localAddress(fd->get());
  return std::unique_ptr<ListenSocket>(new ListenSocket(std::move(*fd), std::move(bound), backlog));
}

Result<void> ListenSocket::refuse() {
  const MutexLock lock(mutex_);
  if (refusing()) return {};
  if (address_.isUnix()) return Error{"a unix socket cannot refuse and listen again: " + address_.toString()};
  if (::shutdown(fd_.get(), SHUT_RD) != 0) return systemError("shutdown " + address_.toString(), errno);
  refusing_.store(true, std::memory_order_release);
  return setReuseAddress(fd_.get(), false);
}

Result<void> ListenSocket::listen() {
  const MutexLock lock(mutex_);
  if (!refusing()) return {};
  // Accepted connections still share the port; without the option listen() would call them a conflict.
  if (auto set = setReuseAddress(fd_.get(), true); !set) return set;
  if (::listen(fd_.get(), backlog_) != 0) return systemError("listen " + address_.toString(), errno);
  refusing_.store(false, std::memory_order_release);
  return {};
}

Acceptor::Acceptor(event::Dispatcher& dispatcher, ListenSocket& socket, std::function<void(Fd)> onAccept,
                   std::function<void(int)> onPause)
    : socket_(socket), onAccept_(std::move(onAccept)), onPause_(std::move(onPause)) {
  event_ = dispatcher.createFileEvent(socket_.fd(), [this](uint32_t) { onReadable(); });
  resumeTimer_ = dispatcher.createTimer([this] {
    if (enabled_) event_->setEnabled(event::FileEvent::kRead);
  });
  event_->setEnabled(event::FileEvent::kRead);
}

void Acceptor::setEnabled(bool enabled) {
  enabled_ = enabled;
  resumeTimer_->disable();
  event_->setEnabled(enabled ? event::FileEvent::kRead : 0);
}

void Acceptor::onReadable() {
  for (int i = 0; i < kAcceptBatch; ++i) {
    const int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      onAccept_(Fd(fd));
      if (!enabled_) return;
      continue;
    }
    switch (errno) {
      case EINTR:
      case ECONNABORTED: continue;
      case EINVAL:
        // The socket refuses: it stays "readable" (hang-up) until it listens again, and we are told then.
        event_->setEnabled(0);
        return;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM: pause(errno); return;
      default:  // EAGAIN: another worker took it; network errors of the new connection: the next try is free
        return;
    }
  }
}

void Acceptor::pause(int error) {
  if (onPause_) onPause_(error);
  event_->setEnabled(0);
  resumeTimer_->enable(kAcceptPause);
}

}  // namespace peerpulse::net
