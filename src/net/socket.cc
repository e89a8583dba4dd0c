#include "peerpulse/net/socket.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peerpulse/net/kernel_features.h"
#include "tcp_constants.h"

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
int wholeMillis(Duration d) { return static_cast<int>(std::chrono::ceil<milliseconds>(d).count()); }
int wholeMicros(Duration d) { return static_cast<int>(std::chrono::ceil<microseconds>(d).count()); }

// What the kernel takes for TCP_RTO_MIN_US (its upper limit is its own default) and TCP_RTO_MAX_MS.
constexpr Duration kLargestRtoMin = milliseconds(200);
constexpr Duration kSmallestRtoMax = seconds(1);
constexpr Duration kLargestRtoMax = seconds(120);

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
  const KernelFeatures& kernel = kernelFeatures();
  const Duration rtoMin = std::max(kernel.rtoMinFloor, std::min(options.rtoMin, kLargestRtoMin));
  const Duration rtoMax = std::clamp(options.rtoMax, kSmallestRtoMax, kLargestRtoMax);
  const Option table[] = {
      {IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY", options.noDelay},
      {SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE", options.keepaliveIdle > Duration::zero()},
      {IPPROTO_TCP, TCP_KEEPIDLE, wholeSeconds(options.keepaliveIdle), "TCP_KEEPIDLE",
       options.keepaliveIdle > Duration::zero()},
      {IPPROTO_TCP, TCP_KEEPINTVL, wholeSeconds(options.keepaliveInterval), "TCP_KEEPINTVL",
       options.keepaliveInterval > Duration::zero()},
      {IPPROTO_TCP, TCP_KEEPCNT, options.keepaliveProbes, "TCP_KEEPCNT", options.keepaliveProbes > 0},
      {IPPROTO_TCP, TCP_USER_TIMEOUT, wholeMillis(options.userTimeout), "TCP_USER_TIMEOUT",
       kernel.userTimeout && options.userTimeout > Duration::zero()},
      {IPPROTO_TCP, kTcpRtoMinUs, wholeMicros(rtoMin), "TCP_RTO_MIN_US",
       kernel.rtoMin() && options.rtoMin > Duration::zero()},
      {IPPROTO_TCP, kTcpRtoMaxMs, wholeMillis(rtoMax), "TCP_RTO_MAX_MS",
       kernel.rtoMax && options.rtoMax > Duration::zero()},
      {IPPROTO_TCP, TCP_NOTSENT_LOWAT, static_cast<int>(options.notSentLowat), "TCP_NOTSENT_LOWAT",
       options.notSentLowat > 0},
  };
  for (const Option& option : table) {
    if (!option.wanted) continue;
    if (auto set = setOption(fd, option.level, option.name, option.value, option.what); !set) return set;
  }
  return {};
}

Result<void> setMark(int fd, uint32_t mark) {
  const int family = socketFamily(fd);
  if (mark == 0 || (family != AF_INET && family != AF_INET6)) return {};
  return setOption(fd, SOL_SOCKET, SO_MARK, static_cast<int>(mark), "SO_MARK");
}

Result<void> bindSource(int fd, const SocketAddress& source, const SocketAddress& to) {
  if (source.family() == AF_UNSPEC || source.family() != to.family() || source.isUnix()) return {};
  // An older kernel takes a port at once: there are fewer then.
  (void)setOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, "IP_BIND_ADDRESS_NO_PORT");
  const SocketAddress from = source.withPort(0);
  if (::bind(fd, from.get(), from.length()) == 0) return {};
  return systemError("cannot connect from " + from.toString(), errno);
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

Result<void> setKeepaliveIdle(int fd, Duration idle) {
  return setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, wholeSeconds(idle), "TCP_KEEPIDLE");
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

SocketAddress remoteAddress(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return SocketAddress::fromSockaddr(reinterpret_cast<const sockaddr*>(&storage), length);
}

std::optional<TcpInfo> readTcpInfo(int fd) {
  tcp_info raw{};
  socklen_t length = sizeof raw;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &raw, &length) != 0) return std::nullopt;
  // Older kernels return less.
  if (length < offsetof(tcp_info, tcpi_pacing_rate)) return std::nullopt;
  const auto newer = [length](const auto& field, size_t offset) {
    return length >= offset + sizeof field ? std::optional(field) : std::nullopt;
  };
  TcpInfo info;
  info.unacked = raw.tcpi_unacked;
  info.retransmits = raw.tcpi_retransmits;
  info.probes = raw.tcpi_probes;
  info.lastDataSent = milliseconds(raw.tcpi_last_data_sent);
  info.lastAckReceived = milliseconds(raw.tcpi_last_ack_recv);
  info.lastDataReceived = milliseconds(raw.tcpi_last_data_recv);
  info.rtt = microseconds(raw.tcpi_rtt);
  info.rttVariation = microseconds(raw.tcpi_rttvar);
  info.totalRetransmits = raw.tcpi_total_retrans;
  info.segmentsOut = newer(raw.tcpi_segs_out, offsetof(tcp_info, tcpi_segs_out));
  info.segmentsIn = newer(raw.tcpi_segs_in, offsetof(tcp_info, tcpi_segs_in));
  info.dataSegmentsIn = newer(raw.tcpi_data_segs_in, offsetof(tcp_info, tcpi_data_segs_in));
  info.notSentBytes = newer(raw.tcpi_notsent_bytes, offsetof(tcp_info, tcpi_notsent_bytes));
  info.delivered = newer(raw.tcpi_delivered, offsetof(tcp_info, tcpi_delivered));
  info.outOfOrderReceived = newer(raw.tcpi_rcv_ooopack, offsetof(tcp_info, tcpi_rcv_ooopack));
  info.duplicatesReported = newer(raw.tcpi_dsack_dups, offsetof(tcp_info, tcpi_dsack_dups));
  info.bytesAcked = newer(raw.tcpi_bytes_acked, offsetof(tcp_info, tcpi_bytes_acked));
  return info;
}

SendState sendStateOf(const TcpInfo& info) {
  constexpr Duration kTwoTicks = milliseconds(20);  // of the ages, on the slowest kernel
  SendState state;
  state.outstanding = info.unacked > 0 || info.notSentBytes.value_or(0) > 0;
  // Of a probe of a closed window nobody knows how old it is: the last one may be on its way.
  const bool probing = info.probes > 0;
  state.repeated = probing ? info.probes : info.retransmits;
  state.overdue = !probing && info.lastDataSent >= info.rtt + 4 * info.rttVariation + kTwoTicks;
  state.heardSince = info.lastAckReceived <= info.lastDataSent;
  state.taken = info.bytesAcked;
  if (info.segmentsIn && info.dataSegmentsIn) state.bareAcks = *info.segmentsIn - *info.dataSegmentsIn;
  return state;
}

// Not by recv(MSG_PEEK): that takes a pending ECONNRESET away, and the next read would see an end in order.
bool readableNow(int fd) {
  pollfd look{fd, POLLIN, 0};
  return ::poll(&look, 1, 0) > 0;
}

}  // namespace peerpulse::net
