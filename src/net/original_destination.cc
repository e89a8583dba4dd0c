#include "peerpulse/net/original_destination.h"

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>

#include "peerpulse/net/socket.h"

namespace peerpulse::net {

namespace {

// linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h, which cannot be included beside netinet/in.h.
constexpr int kOriginalDestination = 80;

}  // namespace

Result<SocketAddress> originalDestination(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  const int level = localAddress(fd).family() == AF_INET6 ? SOL_IPV6 : SOL_IP;
  if (::getsockopt(fd, level, kOriginalDestination, &storage, &length) != 0) {
    return systemError("getsockopt SO_ORIGINAL_DST", errno);
  }
  return SocketAddress::fromSockaddr(reinterpret_cast<const sockaddr*>(&storage), length);
}

SocketAddress withoutMapping(const SocketAddress& address) {
  if (address.family() != AF_INET6) return address;
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.get());
  if (!IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) return address;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = v6->sin6_port;
  std::memcpy(&v4.sin_addr, &v6->sin6_addr.s6_addr[12], sizeof v4.sin_addr);
  return SocketAddress::fromSockaddr(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
}

}  // namespace peerpulse::net
