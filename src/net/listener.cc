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

Result<void> ListenSocket::shut() {
  if (::shutdown(fd_.get(), SHUT_RD) == 0) return {};
  return systemError("shutdown " + address_.toString(), errno);
}

Result<void> ListenSocket::refuse() {
  const MutexLock lock(mutex_);
  if (state() != State::kListening) return {};
  if (address_.isUnix()) {
    return Error{"a unix socket cannot refuse and listen again: " + address_.toString(), EOPNOTSUPP};
  }
  if (auto shutDown = shut(); !shutDown) return shutDown;
  state_.store(State::kRefusing, std::memory_order_release);
  return setReuseAddress(fd_.get(), false);
}

Result<void> ListenSocket::listen() {
  const MutexLock lock(mutex_);
  if (state() != State::kRefusing) return {};
  // Accepted connections still share the port; without the option listen() would call them a conflict.
  if (auto set = setReuseAddress(fd_.get(), true); !set) return set;
  if (::listen(fd_.get(), backlog_) != 0) {
    const int error = errno;
    (void)setReuseAddress(fd_.get(), false);  // still refusing: the port must stay ours
    return systemError("listen " + address_.toString(), error);
  }
  state_.store(State::kListening, std::memory_order_release);
  for (Follower* follower : followers_)
    follower->onListening();
  return {};
}

Result<void> ListenSocket::close() {
  const MutexLock lock(mutex_);
  if (state() == State::kClosed) return {};
  if (state() == State::kListening) {
    handOverQueued();
    if (auto shutDown = shut(); !shutDown) return shutDown;
    // What came in between: a unix socket keeps it, a TCP socket has reset it.
    handOverQueued();
  }
  state_.store(State::kClosed, std::memory_order_release);
  return {};
}

void ListenSocket::handOverQueued() {
  // The queue holds one more than the backlog. No longer than that: clients may come as fast as they are taken.
  for (int i = 0; i <= backlog_; ++i) {
    Fd connection(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!connection.valid()) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return;  // EAGAIN, EINVAL: empty; out of descriptors or memory: the rest is reset
    }
    if (followers_.empty()) continue;  // nobody serves it any more
    followers_[nextFollower_++ % followers_.size()]->onHandedOver(std::move(connection));
  }
}

void ListenSocket::follow(Follower& follower) {
  const MutexLock lock(mutex_);
  followers_.push_back(&follower);
}

void ListenSocket::unfollow(Follower& follower) {
  const MutexLock lock(mutex_);
  std::erase(followers_, &follower);
}

Acceptor::Acceptor(event::Dispatcher& dispatcher, ListenSocket& socket, std::function<void(Fd)> onAccept,
                   std::function<void(int)> onPause)
    : dispatcher_(dispatcher),
      socket_(socket),
      onAccept_(std::move(onAccept)),
      onPause_(std::move(onPause)),
      event_(dispatcher.createFileEvent(socket.fd(), [this](uint32_t) { onReadable(); })),
      resumeTimer_(dispatcher.createTimer([this] { enter(State::kAccepting); })),
      mailbox_(std::make_shared<Mailbox>(Mailbox{this})) {
  // First this, then accept(): a socket that refuses now is found out by accept(), and every later listen() is told.
  socket_.follow(*this);
  event_->setEnabled(event::FileEvent::kRead);
}

Acceptor::~Acceptor() {
  stop();
  mailbox_->acceptor = nullptr;
}

void Acceptor::stop() {
  if (state_ == State::kStopped) return;
  socket_.unfollow(*this);
  enter(State::kStopped);
}

void Acceptor::enter(State next) {
  // Listening again ends a refusal, a pause's end a pause; neither ends the other, and nothing a stop.
  PP_ASSERT(state_ == State::kAccepting || next == State::kStopped ||
            (next == State::kAccepting && state_ != State::kStopped));
  state_ = next;
  event_->setEnabled(next == State::kAccepting ? event::FileEvent::kRead : 0);
  if (next == State::kPaused) {
    resumeTimer_->enable(kAcceptPause);
  } else {
    resumeTimer_->disable();
  }
}

// It cannot come too early: whatever accept() saw before, this runs after. listen() is told only once it has worked,
// so an accept() that fails after this was posted has seen a later refuse(), of which the end will be told as well.
void Acceptor::onListening() {
  dispatcher_.post([mailbox = mailbox_] {
    Acceptor* const acceptor = mailbox->acceptor;
    if (acceptor != nullptr && acceptor->state_ == State::kRefused) acceptor->enter(State::kAccepting);
  });
}

void Acceptor::onHandedOver(Fd connection) {
  // Shared, because a std::function must be copyable; it is not copied.
  dispatcher_.post([mailbox = mailbox_, fd = std::make_shared<Fd>(std::move(connection))] {
    Acceptor* const acceptor = mailbox->acceptor;
    if (acceptor != nullptr && acceptor->state_ != State::kStopped) acceptor->onAccept_(std::move(*fd));
  });
}

void Acceptor::onReadable() {
  for (int i = 0; i < kAcceptBatch; ++i) {
    const int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      onAccept_(Fd(fd));
      if (state_ != State::kAccepting) return;
      continue;
    }
    switch (errno) {
      case EINTR:
      case ECONNABORTED: continue;
      case EINVAL:  // the socket refuses; until it listens again it would be "readable" (hang-up) all the time
        enter(State::kRefused);
        return;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM: {
        const int error = errno;
        enter(State::kPaused);
        if (onPause_) onPause_(error);
        return;
      }
      default:  // EAGAIN: another worker took it; network errors of the new connection: the next try is free
        return;
    }
  }
}

}  // namespace peerpulse::net
