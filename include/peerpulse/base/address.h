// SocketAddress: an IPv4, IPv6 or unix-domain address, as in "10.0.0.2:9000", "[fd00::2]:9000" or
// "unix:/run/peerpulse/node2.sock". Literals only: nothing here resolves names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>

#include "peerpulse/base/result.h"

namespace peerpulse {

class SocketAddress {
 public:
  SocketAddress() = default;

  /// Errors name the text and the accepted forms.
  static Result<SocketAddress> parse(std::string_view text);
  static SocketAddress fromSockaddr(const sockaddr* address, socklen_t length);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }
  int family() const { return storage_.ss_family; }
  bool isUnix() const { return family() == AF_UNIX; }
  bool isLoopback() const;
  /// 0 for unix addresses.
  uint16_t port() const;
  /// The same host; a unix address stays as it is.
  SocketAddress withPort(uint16_t port) const;
  /// The form parse() takes.
  std::string toString() const;

  friend bool operator==(const SocketAddress& a, const SocketAddress& b) { return a.toString() == b.toString(); }

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace peerpulse
