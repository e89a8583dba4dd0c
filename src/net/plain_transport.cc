#include "peerpulse/net/plain_transport.h"

#include <cerrno>
#include <sys/socket.h>

#include "peerpulse/base/assert.h"

namespace peerpulse::net {

namespace {

static_assert(ready::kRead == event::FileEvent::kRead && ready::kWrite == event::FileEvent::kWrite);

bool wouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

std::unique_ptr<PlainTransport> PlainTransport::accepted(event::Dispatcher& dispatcher, Fd fd) {
  (void)applyOptions(fd.get(), SocketOptions());
  return std::make_unique<PlainTransport>(dispatcher, std::move(fd));
}

void PlainTransport::attach(TransportEvents& events) {
  PP_ASSERT(event_ == nullptr && fd_.valid());
  event_ =
      dispatcher_.createFileEvent(fd_.get(), [&events](uint32_t happened) { events.onTransportReady(happened); });
}

void PlainTransport::watch(uint32_t events) {
  if (event_ != nullptr) event_->setEnabled(events);
}

int PlainTransport::connectResult() { return connectError(fd_.get()); }

IoResult PlainTransport::read(const iovec* entries, int count) {
  for (;;) {
    // One block is the common case, and recv() is the cheaper call.
    const ssize_t n = count == 1 ? ::recv(fd_.get(), entries[0].iov_base, entries[0].iov_len, 0)
                                 : ::readv(fd_.get(), entries, count);
    if (n > 0) return IoResult::moved(static_cast<size_t>(n));
    if (n == 0) return IoResult::end();
    if (errno == EINTR) continue;
    return wouldBlock(errno) ? IoResult::again(ready::kRead) : IoResult::failed(errno);
  }
}

IoResult PlainTransport::write(const iovec* entries, int count) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(entries);  // NOLINT: sendmsg() only reads them
  message.msg_iovlen = static_cast<size_t>(count);
  for (;;) {
    const ssize_t n = count == 1 ? ::send(fd_.get(), entries[0].iov_base, entries[0].iov_len, MSG_NOSIGNAL)
                                 : ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (n >= 0) return IoResult::moved(static_cast<size_t>(n));
    if (errno == EINTR) continue;
    return wouldBlock(errno) ? IoResult::again(ready::kWrite) : IoResult::failed(errno);
  }
}

Result<void> PlainTransport::shutdownWrite() {
  if (::shutdown(fd_.get(), SHUT_WR) == 0) return {};
  return systemError("shutdown", errno);
}

void PlainTransport::close(bool reset) {
  if (!fd_.valid()) return;
  if (reset) setResetOnClose(fd_.get());
  event_.reset();
  fd_.reset();
}

bool PlainTransport::readableNow() const { return fd_.valid() && net::readableNow(fd_.get()); }

std::optional<LastHeard> PlainTransport::lastHeard() const {
  if (!fd_.valid()) return std::nullopt;
  const auto info = readTcpInfo(fd_.get());
  if (!info) return std::nullopt;
  LastHeard heard;
  heard.ack = info->lastAckReceived;
  if (readableNow()) heard.unread = info->lastDataReceived;
  return heard;
}

std::optional<SendState> PlainTransport::sendState() const {
  if (!fd_.valid()) return std::nullopt;
  const auto info = readTcpInfo(fd_.get());
  return info ? std::optional(sendStateOf(*info)) : std::nullopt;
}

Result<std::unique_ptr<Transport>> PlainConnector::connect(const SocketAddress& address,
                                                           const SocketOptions& options) {
  auto fd = createStreamSocket(address);
  if (!fd) return fd.error();
  if (shares_ != nullptr && !shares_->allows(DescriptorUse::kUpstream, fd->get())) {
    return systemError("socket: the last descriptors are kept for probes and the admin", EMFILE);
  }
  if (auto applied = applyOptions(fd->get(), options); !applied) return applied.error();
  if (auto marked = setMark(fd->get(), mark_); !marked) return marked.error();
  if (auto bound = bindSource(fd->get(), options.source, address); !bound) return bound.error();
  if (auto started = startConnect(fd->get(), address); !started) return started.error();
  return std::unique_ptr<Transport>(std::make_unique<PlainTransport>(dispatcher_, std::move(*fd)));
}

}  // namespace peerpulse::net
