#include "peerpulse/net/socket.h"

#include <cerrno>
#include <cstddef>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace peerpulse::net {

namespace {

Result<void> setOption(int fd, int level, int name, int value, const char* what) {
  if (::setsockopt(fd, level, name, &value, sizeof value) == 0) return {};
  return systemError(std::string("setsockopt ") + what, errno);
}

int socketFamily(int fd) {
  int family = AF_UNSPEC;
  socklen_t length = sizeof family;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) != 0) return AF_UNSPEC;
  return family;
}

int wholeSeconds(Duration d) { return static_cast<int>(std::chrono::ceil<seconds>(d).count()); }

// A unix socket file left by a process that died would make bind() fail for ever. It is removed only if it is a
// socket and nobody answers on it.
void removeStaleUnixSocket(const SocketAddress& address) {
  const std::string path = reinterpret_cast<const sockaddr_un*>(address.get())->sun_path;
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return;
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) return;
  if (::connect(probe.get(), address.get(), address.length()) != 0 && errno == ECONNREFUSED) ::unlink(path.c_str());
}

}  // namespace

Result<Fd> createStreamSocket(const SocketAddress& address) {
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return systemError("socket", errno);
  return fd;
}

Result<void> applyOptions(int fd, const SocketOptions& options) {
  const int family = socketFamily(fd);
  if (family != AF_INET && family != AF_INET6) return {};
  struct Option {
    int level, name, value;
    const char* what;
    bool wanted;
  };
  const Option table[] = {
      {IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY", options.noDelay},
      {SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE", options.keepaliveIdle > Duration::zero()},
      {IPPROTO_TCP, TCP_KEEPIDLE, wholeSeconds(options.keepaliveIdle), "TCP_KEEPIDLE",
       options.keepaliveIdle > Duration::zero()},
      {IPPROTO_TCP, TCP_KEEPINTVL, wholeSeconds(options.keepaliveInterval), "TCP_KEEPINTVL",
       options.keepaliveInterval > Duration::zero()},
      {IPPROTO_TCP, TCP_KEEPCNT, options.keepaliveProbes, "TCP_KEEPCNT", options.keepaliveProbes > 0},
      {IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(std::chrono::ceil<milliseconds>(options.userTimeout).count()),
       "TCP_USER_TIMEOUT", options.userTimeout > Duration::zero()},
      {IPPROTO_TCP, TCP_NOTSENT_LOWAT, static_cast<int>(options.notSentLowat), "TCP_NOTSENT_LOWAT",
       options.notSentLowat > 0},
  };
  for (const Option& option : table) {
    if (!option.wanted) continue;
    if (auto set = setOption(fd, option.level, option.name, option.value, option.what); !set) return set;
  }
  return {};
}

Result<void> startConnect(int fd, const SocketAddress& address) {
  int rc;
  do {
    rc = ::connect(fd, address.get(), address.length());
  } while (rc != 0 && errno == EINTR);
  if (rc == 0 || errno == EINPROGRESS) return {};
  return systemError("connect " + address.toString(), errno);
}

int connectError(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

void setResetOnClose(int fd) {
  const linger now{1, 0};
  // On a socket that is gone already there is nothing left to reset.
  (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

Result<Fd> createListenSocket(const SocketAddress& address, int backlog) {
  if (address.isUnix()) removeStaleUnixSocket(address);
  auto fd = createStreamSocket(address);
  if (!fd) return fd;
  if (!address.isUnix()) {
    if (auto set = setOption(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"); !set) return set.error();
  }
  if (::bind(fd->get(), address.get(), address.length()) != 0) {
    return systemError("cannot listen on " + address.toString(), errno);
  }
  if (::listen(fd->get(), backlog) != 0) return systemError("listen " + address.toString(), errno);
  return fd;
}

SocketAddress localAddress(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return SocketAddress::fromSockaddr(reinterpret_cast<const sockaddr*>(&storage), length);
}

std::optional<TcpInfo> readTcpInfo(int fd) {
  tcp_info raw{};
  socklen_t length = sizeof raw;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &raw, &length) != 0) return std::nullopt;
  // Older kernels return less: all fields used here are in the part every kernel has.
  if (length < offsetof(tcp_info, tcpi_pacing_rate)) return std::nullopt;
  TcpInfo info;
  info.unacked = raw.tcpi_unacked;
  info.retransmits = raw.tcpi_retransmits;
  info.lastAckReceived = milliseconds(raw.tcpi_last_ack_recv);
  info.rtt = microseconds(raw.tcpi_rtt);
  return info;
}

}  // namespace peerpulse::net
