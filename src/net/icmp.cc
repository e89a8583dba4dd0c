#include "peerpulse/net/icmp.h"

#include <cerrno>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include <utility>

namespace peerpulse::net {

namespace {

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

}  // namespace

Result<IcmpSocket> openIcmpSocket(int family) {
  const int protocol = family == AF_INET ? static_cast<int>(IPPROTO_ICMP) : static_cast<int>(IPPROTO_ICMPV6);
  constexpr int kFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  IcmpSocket socket{Fd(::socket(family, SOCK_DGRAM | kFlags, protocol)), false};
  if (socket.fd.valid()) return socket;
  socket = {Fd(::socket(family, SOCK_RAW | kFlags, protocol)), true};
  if (!socket.fd.valid()) return systemError("ICMP socket", errno);
  filterReplies(socket.fd.get(), family);
  return socket;
}

uint8_t echoRequestType(int family) { return family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST; }
uint8_t echoReplyType(int family) { return family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY; }

uint16_t internetChecksum(const void* data, size_t size) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < size; i += 2) {
    uint16_t word = 0;
    std::memcpy(&word, static_cast<const std::byte*>(data) + i, sizeof word);
    sum += word;
  }
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

}  // namespace peerpulse::net
