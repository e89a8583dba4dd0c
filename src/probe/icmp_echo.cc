#include "icmp_echo.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <optional>
#include <sys/socket.h>
#include <utility>

#include "peerpulse/net/socket.h"

namespace peerpulse::probe {

namespace {

/// The same 8 bytes in ICMP (RFC 792) and ICMPv6 (RFC 4443 4.1), then our payload. In network order where others read it.
struct Message {
  uint8_t type = 0;
  uint8_t code = 0;
  uint16_t checksum = 0;
  uint16_t identifier = 0;  // ping sockets: the kernel's
  uint16_t shortSequence = 0;
  uint64_t token = 0;
  uint32_t peer = 0;
  uint32_t sequence = 0;
};
static_assert(sizeof(Message) == 24 && offsetof(Message, token) == 8);

uint8_t requestType(int family) { return family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST; }
uint8_t replyType(int family) { return family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY; }

/// RFC 1071.
uint16_t checksumOf(const Message& message) {
  std::array<uint16_t, sizeof message / 2> words;
  std::memcpy(words.data(), &message, sizeof message);
  uint32_t sum = 0;
  for (const uint16_t word : words)
    sum += word;
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

/// Raw sockets get every ICMP message of the host otherwise. What a filter lets through is looked at all the same.
void filterReplies(int fd, int family) {
  if (family == AF_INET) {
    const uint32_t allBut = ~(1U << ICMP_ECHOREPLY);
    constexpr int kIcmpFilter = 1;  // linux/icmp.h, which does not go with netinet's
    (void)::setsockopt(fd, SOL_RAW, kIcmpFilter, &allBut, sizeof allBut);
    return;
  }
  icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
  (void)::setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
}

/// Where the message begins: raw IPv4 sockets give the IP header, too.
std::optional<Message> parse(const std::byte* data, size_t size, bool withIpHeader) {
  size_t begin = 0;
  if (withIpHeader) {
    if (size < 20) return std::nullopt;
    begin = (std::to_integer<size_t>(data[0]) & 0x0f) * 4;
  }
  Message message;
  if (size < begin || size - begin < sizeof message) return std::nullopt;
  std::memcpy(&message, data + begin, sizeof message);
  return message;
}

}  // namespace

Result<std::unique_ptr<IcmpEcho>> IcmpEcho::open(event::Dispatcher& dispatcher, int family, uint64_t token,
                                                 uint32_t mark, OnAnswer onAnswer) {
  const int protocol = family == AF_INET ? static_cast<int>(IPPROTO_ICMP) : static_cast<int>(IPPROTO_ICMPV6);
  constexpr int kFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  Fd fd(::socket(family, SOCK_DGRAM | kFlags, protocol));
  const bool raw = !fd.valid();
  if (raw) fd = Fd(::socket(family, SOCK_RAW | kFlags, protocol));
  if (!fd.valid()) return systemError("ICMP socket", errno);
  if (raw) filterReplies(fd.get(), family);
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
  message.type = requestType(family_);
  message.identifier = static_cast<uint16_t>(token_);
  message.shortSequence = htons(static_cast<uint16_t>(sequence));
  message.token = token_;
  message.peer = peer;
  message.sequence = sequence;
  // Everywhere else the kernel does it.
  if (raw_ && family_ == AF_INET) message.checksum = checksumOf(message);
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
    const auto message = parse(data.data(), static_cast<size_t>(n), raw_ && family_ == AF_INET);
    if (!message.has_value() || message->type != replyType(family_) || message->token != token_) continue;
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
