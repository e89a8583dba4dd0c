#include <array>
#include <cerrno>
#include <cstddef>
#include <netinet/in.h>
#include <poll.h>
#include <random>
#include <sys/socket.h>
#include <utility>

#include "deadline.h"
#include "knocks.h"
#include "peerpulse/net/icmp.h"

namespace peerpulse::cli {

namespace {

struct Message {
  net::IcmpHeader header;
  uint64_t token = 0;  // tells our echoes from others'
};
static_assert(sizeof(Message) == 16);

class EchoSocket {
 public:
  explicit EchoSocket(const SocketAddress& host) : host_(host.withPort(0)) {
    auto opened = net::openIcmpSocket(host.family());
    if (opened) {
      socket_ = std::move(*opened);
    } else {
      error_ = opened.error().code;
    }
    std::random_device random;
    token_ = (uint64_t{random()} << 32) | random();
  }
  bool valid() const { return socket_.fd.valid(); }
  int error() const { return error_; }
  int fd() const { return socket_.fd.get(); }

  /// 0 or an errno.
  int send(uint16_t sequence) {
    Message message;
    message.header.type = net::echoRequestType(host_.family());
    message.header.identifier = static_cast<uint16_t>(token_);
    message.header.sequence = htons(sequence);
    message.token = token_;
    if (withIpHeader()) message.header.checksum = net::internetChecksum(&message, sizeof message);
    return ::sendto(fd(), &message, sizeof message, MSG_DONTWAIT, host_.get(), host_.length()) < 0 ? errno : 0;
  }
  /// True if what lies ready is an answer to ours; `error` is set where a router's word came instead.
  bool takeAnswer(int& error) {
    std::array<std::byte, 256> data;
    const ssize_t n = ::recv(fd(), data.data(), data.size(), MSG_DONTWAIT);
    if (n < 0) {
      if (errno != EAGAIN && errno != EINTR) error = errno;
      return false;
    }
    const auto message = net::parseIcmp<Message>(data.data(), static_cast<size_t>(n), withIpHeader());
    return message && message->header.type == net::echoReplyType(host_.family()) && message->token == token_;
  }

 private:
  bool withIpHeader() const { return socket_.raw && host_.family() == AF_INET; }

  SocketAddress host_;
  net::IcmpSocket socket_;
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
