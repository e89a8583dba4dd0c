#include "own_network.h"

#include <cerrno>
#include <cstring>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "peerpulse/net/socket.h"

namespace peerpulse::guard {

namespace {

std::string& reason() {
  static std::string text;
  return text;
}

// linux/ipv6.h cannot be included beside netinet/in.h.
struct Ipv6Request {
  in6_addr address;
  uint32_t prefixLength;
  int interfaceIndex;
};

bool loopbackUp() {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
  return ::ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
}

bool addAddress(const std::string& host) {
  const Fd fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  Ipv6Request request{};
  const SocketAddress address = addressOf("[" + host + "]:1");
  request.address = reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr;
  request.prefixLength = 128;
  request.interfaceIndex = static_cast<int>(::if_nametoindex("lo"));
  return ::ioctl(fd.get(), SIOCSIFADDR, &request) == 0;
}

}  // namespace

void enterOwnNetwork() {
  const bool entered = ::unshare(CLONE_NEWNET) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
  if (!entered) {
    reason() = std::string("no network namespace: ") + std::strerror(errno);
  } else if (!loopbackUp() || !addAddress("fd00::1") || !addAddress("fd00::2")) {
    reason() = std::string("no loopback in the namespace: ") + std::strerror(errno);
  }
}

const std::string& noOwnNetwork() { return reason(); }

SocketAddress addressOf(const std::string& text) { return SocketAddress::parse(text).value(); }

LocalServer::LocalServer(const SocketAddress& address) {
  auto fd = net::createListenSocket(address, 4096);
  REQUIRE_MESSAGE(fd.has_value(), (fd ? "" : fd.error().message));
  fd_ = std::move(*fd);
  address_ = net::localAddress(fd_.get());
}

Fd LocalServer::accept() const {
  const timeval patience{5, 0};
  REQUIRE(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  Fd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(fd.valid());
  return fd;
}

Fd connectTo(const SocketAddress& to, uint32_t mark, const SocketAddress& from) {
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(fd.valid());
  REQUIRE(net::setMark(fd.get(), mark).has_value());
  if (from.family() != AF_UNSPEC) REQUIRE(::bind(fd.get(), from.get(), from.length()) == 0);
  if (::connect(fd.get(), to.get(), to.length()) == 0) return fd;
  const int error = errno;
  fd.reset();
  errno = error;
  return fd;
}

int readError(const Fd& fd) {
  char byte;
  return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT) < 0 ? errno : 0;
}

}  // namespace peerpulse::guard
