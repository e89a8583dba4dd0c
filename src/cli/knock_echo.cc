#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <random>
#include <sys/socket.h>
#include <unistd.h>

#include "deadline.h"
#include "knocks.h"
#include "peerpulse/base/fd.h"

namespace peerpulse::cli {

namespace {

/// The same 8 bytes in ICMP and ICMPv6, then what tells our echoes from others'.
struct Message {
  uint8_t type = 0;
  uint8_t code = 0;
  uint16_t checksum = 0;
  uint16_t identifier = 0;  // ping sockets: the kernel's
  uint16_t sequence = 0;
  uint64_t token = 0;
};
static_assert(sizeof(Message) == 16);

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

class EchoSocket {
 public:
  explicit EchoSocket(const SocketAddress& host) : host_(host.withPort(0)) {
    const int protocol = host.family() == AF_INET6 ? int{IPPROTO_ICMPV6} : int{IPPROTO_ICMP};
    fd_ = Fd(::socket(host.family(), SOCK_DGRAM | SOCK_CLOEXEC, protocol));
    raw_ = !fd_.valid();
    if (raw_) fd_ = Fd(::socket(host.family(), SOCK_RAW | SOCK_CLOEXEC, protocol));
    error_ = errno;
    std::random_device random;
    token_ = (uint64_t{random()} << 32) | random();
  }
  bool valid() const { return fd_.valid(); }
  int error() const { return error_; }
  int fd() const { return fd_.get(); }

  /// 0 or an errno.
  int send(uint16_t sequence) {
    Message message;
    const bool v4 = host_.family() == AF_INET;
    message.type = v4 ? uint8_t{ICMP_ECHO} : uint8_t{ICMP6_ECHO_REQUEST};
    message.identifier = static_cast<uint16_t>(token_);
    message.sequence = sequence;
    message.token = token_;
    if (raw_ && v4) message.checksum = checksumOf(message);
    return ::sendto(fd_.get(), &message, sizeof message, MSG_DONTWAIT, host_.get(), host_.length()) < 0 ? errno : 0;
  }
  /// True if what lies ready is an answer to ours; `error` is set where a router's word came instead.
  bool takeAnswer(int& error) {
    std::array<std::byte, 256> data;
    const ssize_t n = ::recv(fd_.get(), data.data(), data.size(), MSG_DONTWAIT);
    if (n < 0) {
      if (errno != EAGAIN && errno != EINTR) error = errno;
      return false;
    }
    size_t begin = 0;
    if (raw_ && host_.family() == AF_INET && n > 0) begin = (std::to_integer<size_t>(data[0]) & 0x0f) * 4;
    Message message;
    if (static_cast<size_t>(n) < begin + sizeof message) return false;
    std::memcpy(&message, data.data() + begin, sizeof message);
    const bool reply =
        message.type == (host_.family() == AF_INET ? uint8_t{ICMP_ECHOREPLY} : uint8_t{ICMP6_ECHO_REPLY});
    return reply && message.token == token_;
  }

 private:
  SocketAddress host_;
  Fd fd_;
  bool raw_ = false;
  int error_ = 0;
  uint64_t token_ = 0;
};

constexpr int kEchoes = 3;

}  // namespace

EchoAnswer knockByEcho(const SocketAddress& host) {
  EchoSocket socket(host);
  if (!socket.valid()) return {.heard = Heard::kNotPermitted, .error = socket.error()};
  const TimePoint began = now();
  const Deadline deadline(kEchoPatience);
  int error = 0;
  for (uint16_t sent = 0; sent < kEchoes; ++sent) {
    if (const int failed = socket.send(sent); failed != 0) error = failed;
    const Deadline next(kEchoPatience / kEchoes);
    while (!next.passed()) {
      pollfd entry{socket.fd(), POLLIN, 0};
      if (::poll(&entry, 1, next.pollMillis()) <= 0) continue;
      if (socket.takeAnswer(error)) return {.heard = Heard::kAnswered, .roundTrip = now() - began};
    }
  }
  if (error == EPERM || error == EACCES) return {.heard = Heard::kNotPermitted, .error = error};
  return {.heard = error != 0 ? Heard::kUnreachable : Heard::kSilent, .error = error};
}

}  // namespace peerpulse::cli
