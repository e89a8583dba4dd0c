#include "icmp_echo.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <utility>

#include "peerpulse/net/icmp.h"
#include "peerpulse/net/socket.h"

namespace peerpulse::probe {

namespace {

struct Message {
  net::IcmpHeader header;
  uint64_t token = 0;
  uint32_t peer = 0;
  uint32_t sequence = 0;
};
static_assert(sizeof(Message) == 24 && offsetof(Message, token) == 8);

}  // namespace

Result<std::unique_ptr<IcmpEcho>> IcmpEcho::open(event::Dispatcher& dispatcher, int family, uint64_t token,
                                                 uint32_t mark, OnAnswer onAnswer) {
  auto socket = net::openIcmpSocket(family);
  if (!socket) return socket.error();
  Fd fd = std::move(socket->fd);
  const bool raw = socket->raw;
  if (auto marked = net::setMark(fd.get(), mark); !marked) return marked.error();
  const int buffer = kReceiveBuffer;
  // The kernel's own limit may be lower; what it gives is enough for a few hundred answers.
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  return std::unique_ptr<IcmpEcho>(new IcmpEcho(dispatcher, family, token, std::move(fd), raw, std::move(onAnswer)));
}

IcmpEcho::IcmpEcho(event::Dispatcher& dispatcher, int family, uint64_t token, Fd fd, bool raw, OnAnswer onAnswer)
    : family_(family), token_(token), raw_(raw), fd_(std::move(fd)), onAnswer_(std::move(onAnswer)) {
  event_ = dispatcher.createFileEvent(fd_.get(), [this](uint32_t) { onReadable(); });
  event_->setEnabled(event::FileEvent::kRead);
}

Result<void> IcmpEcho::send(const SocketAddress& to, uint32_t peer, uint32_t sequence) {
  Message message;
  message.header.type = net::echoRequestType(family_);
  message.header.identifier = static_cast<uint16_t>(token_);
  message.header.sequence = htons(static_cast<uint16_t>(sequence));
  message.token = token_;
  message.peer = peer;
  message.sequence = sequence;
  // Everywhere else the kernel does it.
  if (raw_ && family_ == AF_INET) message.header.checksum = net::internetChecksum(&message, sizeof message);
  const SocketAddress host =
      to.withPort(0);  // ports mean nothing here, and a raw IPv6 socket takes them for a protocol
  ssize_t sent;
  do {
    sent = ::sendto(fd_.get(), &message, sizeof message, MSG_DONTWAIT, host.get(), host.length());
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return {};
  return systemError("ICMP to " + to.toString(), errno == EAGAIN ? ENOBUFS : errno);
}

void IcmpEcho::onReadable() {
  for (int i = 0; i < kBatch; ++i) {
    std::array<std::byte, 256> data;
    sockaddr_storage from{};
    socklen_t fromLength = sizeof from;
    const ssize_t n = ::recvfrom(fd_.get(), data.data(), data.size(), MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&from), &fromLength);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) continue;  // a pending error of some other packet: it is taken away by reading it
    const auto message = net::parseIcmp<Message>(data.data(), static_cast<size_t>(n), raw_ && family_ == AF_INET);
    if (!message.has_value() || message->header.type != net::echoReplyType(family_) || message->token != token_)
      continue;
    onAnswer_(message->peer, message->sequence,
              SocketAddress::fromSockaddr(reinterpret_cast<const sockaddr*>(&from), fromLength));
  }
}

bool IcmpEcho::sameHost(const SocketAddress& a, const SocketAddress& b) {
  if (a.family() != b.family()) return false;
  if (a.family() == AF_INET) {
    return reinterpret_cast<const sockaddr_in*>(a.get())->sin_addr.s_addr ==
           reinterpret_cast<const sockaddr_in*>(b.get())->sin_addr.s_addr;
  }
  if (a.family() != AF_INET6) return false;
  return std::memcmp(&reinterpret_cast<const sockaddr_in6*>(a.get())->sin6_addr,
                     &reinterpret_cast<const sockaddr_in6*>(b.get())->sin6_addr, sizeof(in6_addr)) == 0;
}

}  // namespace peerpulse::probe
