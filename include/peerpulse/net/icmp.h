// ICMP echo messages and the sockets for them: what requests and answers of ICMP (RFC 792) and ICMPv6 (RFC 4443 4.1) have in
// common. The payload is the user's.
//
// Threading: pure, but for openIcmpSocket().
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

#include "peerpulse/base/fd.h"
#include "peerpulse/base/result.h"

namespace peerpulse::net {

/// The 8 bytes that both begin with. In network order where others read it.
struct IcmpHeader {
  uint8_t type = 0;
  uint8_t code = 0;
  uint16_t checksum = 0;
  uint16_t identifier = 0;  ///< ping sockets: the kernel's
  uint16_t sequence = 0;
};
static_assert(sizeof(IcmpHeader) == 8);

struct IcmpSocket {
  Fd fd;
  bool raw = false;
};

/// For `family`, AF_INET or AF_INET6: a ping socket (SOCK_DGRAM), which needs no privilege where net.ipv4.ping_group_range has
/// our group, else a raw one (CAP_NET_RAW) that gets echo replies only, of all processes. Does not block.
Result<IcmpSocket> openIcmpSocket(int family);

/// Type of a request, and of the answer to it.
uint8_t echoRequestType(int family);
uint8_t echoReplyType(int family);

/// RFC 1071, of an even number of bytes. Only raw IPv4 sockets need it: everywhere else the kernel does it.
uint16_t internetChecksum(const void* data, size_t size);

/// What was received of a socket of openIcmpSocket(), as a Message that begins with an IcmpHeader. Raw IPv4 sockets give the IP
/// header, too.
template <typename Message>
std::optional<Message> parseIcmp(const std::byte* data, size_t size, bool withIpHeader) {
  static_assert(std::is_trivially_copyable_v<Message>);
  constexpr size_t kLeastIpHeader = 20;
  size_t begin = 0;
  if (withIpHeader) {
    if (size < kLeastIpHeader) return std::nullopt;
    begin = (std::to_integer<size_t>(data[0]) & 0x0f) * 4;
  }
  Message message;
  if (size < begin || size - begin < sizeof message) return std::nullopt;
  std::memcpy(&message, data + begin, sizeof message);
  return message;
}

}  // namespace peerpulse::net
