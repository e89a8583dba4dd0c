#include "peerpulse/base/address.h"

#include <arpa/inet.h>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <net/if.h>
#include <netinet/in.h>

namespace peerpulse {

namespace {

constexpr std::string_view kUnixPrefix = "unix:";

Error badAddress(std::string_view text, const char* why) {
  return Error{"'" + std::string(text) + "' is not an address: " + why +
               " (expected IP:PORT, [IPV6]:PORT or unix:/path)"};
}

/// A link-local address is one of an interface, given by name or number (RFC 4007 11); 0: there is none.
unsigned scopeOf(const std::string& zone) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(zone.data(), zone.data() + zone.size(), number);
  if (error == std::errc() && end == zone.data() + zone.size()) return number;
  return ::if_nametoindex(zone.c_str());
}

std::string zoneText(unsigned scope) {
  if (scope == 0) return "";
  char name[IF_NAMESIZE] = {};
  return "%" + (::if_indextoname(scope, name) != nullptr ? std::string(name) : std::to_string(scope));
}

}  // namespace

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) {
    const std::string path(text.substr(kUnixPrefix.size()));
    sockaddr_un un{};
    un.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof un.sun_path) return badAddress(text, "the path is empty or too long");
    std::memcpy(un.sun_path, path.c_str(), path.size() + 1);
    return fromSockaddr(reinterpret_cast<const sockaddr*>(&un),
                        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1));
  }

  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return badAddress(text, "the port is missing");
  const std::string_view portText = text.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, ec] = std::from_chars(portText.data(), portText.data() + portText.size(), port);
  if (ec != std::errc() || end != portText.data() + portText.size() || portText.empty()) {
    return badAddress(text, "the port is not a number from 0 to 65535");
  }

  std::string_view host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(port);
    const std::string_view inside = host.substr(1, host.size() - 2);
    const size_t percent = inside.find('%');
    if (inet_pton(AF_INET6, std::string(inside.substr(0, percent)).c_str(), &in6.sin6_addr) != 1) {
      return badAddress(text, "the part in brackets is not an IPv6 literal");
    }
    if (percent != std::string_view::npos) {
      in6.sin6_scope_id = scopeOf(std::string(inside.substr(percent + 1)));
      if (in6.sin6_scope_id == 0) return badAddress(text, "this host has no interface of the name after '%'");
    }
    return fromSockaddr(reinterpret_cast<const sockaddr*>(&in6), sizeof in6);
  }
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  if (inet_pton(AF_INET, std::string(host).c_str(), &in.sin_addr) != 1) {
    return badAddress(text, "the host is not an IP literal");
  }
  return fromSockaddr(reinterpret_cast<const sockaddr*>(&in), sizeof in);
}

SocketAddress SocketAddress::fromSockaddr(const sockaddr* address, socklen_t length) {
  SocketAddress result;
  PP_ASSERT(length <= sizeof result.storage_);
  std::memcpy(&result.storage_, address, length);
  result.length_ = length;
  return result;
}

bool SocketAddress::isLoopback() const {
  if (family() == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&storage_);
    return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
  }
  if (family() == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr);
  return isUnix();
}

uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  return 0;
}

SocketAddress SocketAddress::withPort(uint16_t port) const {
  SocketAddress changed = *this;
  if (family() == AF_INET) reinterpret_cast<sockaddr_in*>(&changed.storage_)->sin_port = htons(port);
  if (family() == AF_INET6) reinterpret_cast<sockaddr_in6*>(&changed.storage_)->sin6_port = htons(port);
  return changed;
}

std::string SocketAddress::toString() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (family() == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(port());
  }
  if (family() == AF_INET6) {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&storage_);
    inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
    return "[" + std::string(text) + zoneText(in6->sin6_scope_id) + "]:" + std::to_string(port());
  }
  if (isUnix()) {
    const size_t pathLength =
        length_ > offsetof(sockaddr_un, sun_path) ? length_ - offsetof(sockaddr_un, sun_path) : 0;
    const char* path = reinterpret_cast<const sockaddr_un*>(&storage_)->sun_path;
    return std::string(kUnixPrefix) + std::string(path, strnlen(path, pathLength));
  }
  return "";
}

}  // namespace peerpulse
