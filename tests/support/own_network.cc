#include "own_network.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <linux/capability.h>
#include <memory>
#include <net/if.h>
#include <netinet/in.h>
#include <nftables/libnftables.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "peerpulse/net/socket.h"

namespace peerpulse {

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
  if (::ioctl(fd.get(), SIOCSIFADDR, &request) != 0) return false;
  // A work queue of the kernel's makes it usable, in its own time.
  constexpr int kTries = 5000;
  for (int i = 0; i < kTries; ++i) {
    const Fd user(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (::bind(user.get(), address.get(), address.length()) == 0) return true;
    if (errno != EADDRNOTAVAIL) return false;
    ::usleep(1000);
  }
  return false;
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

bool LocalServer::waits() const {
  pollfd asked{fd_.get(), POLLIN, 0};
  return ::poll(&asked, 1, 0) == 1;
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

Fd startConnect(const SocketAddress& to, const SocketAddress& from) {
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  REQUIRE(fd.valid());
  REQUIRE(::bind(fd.get(), from.get(), from.length()) == 0);
  REQUIRE(::connect(fd.get(), to.get(), to.length()) != 0);
  REQUIRE(errno == EINPROGRESS);
  return fd;
}

int readError(const Fd& fd) {
  char byte;
  return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT) < 0 ? errno : 0;
}

std::string nft(const std::string& commands) {
  const std::unique_ptr<nft_ctx, decltype(&::nft_ctx_free)> context(nft_ctx_new(NFT_CTX_DEFAULT), &::nft_ctx_free);
  (void)nft_ctx_buffer_output(context.get());
  (void)nft_ctx_buffer_error(context.get());
  if (nft_run_cmd_from_buffer(context.get(), commands.c_str()) == 0) return nft_ctx_get_output_buffer(context.get());
  return std::string("error: ") + nft_ctx_get_error_buffer(context.get());
}

namespace {

/// Of the effective set's first half, which CAP_NET_ADMIN is in.
uint32_t exchangeEffective(const std::function<uint32_t(uint32_t)>& change) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  REQUIRE(::syscall(SYS_capget, &header, data.data()) == 0);
  const uint32_t before = data[0].effective;
  data[0].effective = change(before);
  REQUIRE(::syscall(SYS_capset, &header, data.data()) == 0);
  return before;
}

}  // namespace

WithoutNetAdmin::WithoutNetAdmin()
    : before_(exchangeEffective([](uint32_t set) { return set & ~(1U << CAP_NET_ADMIN); })) {}

WithoutNetAdmin::~WithoutNetAdmin() {
  (void)exchangeEffective([this](uint32_t) { return before_; });
}

}  // namespace peerpulse
