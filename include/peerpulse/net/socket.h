// Sockets: creation, options and kernel facts, each syscall's failure turned into an Error.
//
// Threading: free functions without state.
#pragma once

#include <cstdint>
#include <optional>

#include "peerpulse/base/address.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"

namespace peerpulse::net {

/// Options of an upstream TCP socket (design section 5).
struct SocketOptions {
  bool noDelay = true;
  Duration keepaliveIdle = seconds(10);
  Duration keepaliveInterval = seconds(5);
  int keepaliveProbes = 3;
  // Zero leaves the kernel's default. What the kernel does not have (kernel_features.h) is left out silently.
  /// Backstop only: the kernel checks it when a retransmission timer fires.
  Duration userTimeout = Duration::zero();
  /// Lower and upper limit of the retransmission timeout; a value outside of what the kernel takes becomes the
  /// nearest that it does.
  Duration rtoMin = Duration::zero();
  Duration rtoMax = Duration::zero();
  /// Unsent bytes the kernel queues before the socket stops being writable (TCP_NOTSENT_LOWAT); 0 leaves the
  /// default. Keeps bulk bodies in our bounded buffers instead of the kernel's.
  uint32_t notSentLowat = 0;
  /// What connections come from (bindSource()); family AF_UNSPEC: the kernel chooses.
  SocketAddress source{};
};

/// A non-blocking, close-on-exec stream socket for `address`.
Result<Fd> createStreamSocket(const SocketAddress& address);
/// Applies what fits the socket's family (nothing on unix sockets).
Result<void> applyOptions(int fd, const SocketOptions& options);
/// SO_MARK: what the host's packet filters know our own packets by; 0 does nothing. Needs CAP_NET_ADMIN.
Result<void> setMark(int fd, uint32_t mark);
/// Makes `fd` connect to `to` from `source`, an IP address whose port does not count, which the kernel chooses at the connect
/// (IP_BIND_ADDRESS_NO_PORT: only what is the same to one destination uses one up). Nothing where the families differ.
Result<void> bindSource(int fd, const SocketAddress& source, const SocketAddress& to);
/// connect() on a non-blocking socket; EINPROGRESS is success.
Result<void> startConnect(int fd, const SocketAddress& address);
/// The outcome of a finished connect(): 0 or an errno value.
int connectError(int fd);
/// TCP_KEEPIDLE of a connection with keepalive. Where nothing has come for that long already, a probe goes out at the
/// kernel's next tick: the remote kernel acknowledges it, its process sees nothing.
Result<void> setKeepaliveIdle(int fd, Duration idle);
/// Makes the next close() send RST instead of FIN.
void setResetOnClose(int fd);
/// Bound and listening. A stale unix socket file that nobody answers on is replaced.
Result<Fd> createListenSocket(const SocketAddress& address, int backlog);
SocketAddress localAddress(int fd);
/// Of the other end; family AF_UNSPEC when it has gone.
SocketAddress remoteAddress(int fd);

/// What the kernel knows about a TCP connection (struct tcp_info, size-checked). Ages come in steps of the
/// kernel's tick (1 to 10 ms). An old ACK is no sign of death: on an idle connection nothing asks for one.
struct TcpInfo {
  uint32_t unacked = 0;         ///< segments sent and not acknowledged
  uint32_t retransmits = 0;     ///< consecutive timeouts
  uint32_t probes = 0;          ///< of a closed window, or of keepalive, in a row without an answer
  Duration lastDataSent{};      ///< age of the last segment with data that we sent, again or for the first time
  Duration lastAckReceived{};   ///< age of the last ACK
  Duration lastDataReceived{};  ///< age of the last segment with data, read by us or not
  Duration rtt{};               ///< smoothed
  Duration rttVariation{};      ///< mean deviation
  /// Segments sent again since the connection began.
  uint32_t totalRetransmits = 0;

  // Newer kernels only.
  std::optional<uint32_t> segmentsOut, segmentsIn;  ///< since the connection began, pure ACKs included
  std::optional<uint32_t> dataSegmentsIn;           ///< of these, with data, new or not
  std::optional<uint32_t> notSentBytes;             ///< in our kernel's queue, never sent
  std::optional<uint32_t> delivered;                ///< segments that the remote kernel acknowledged or SACKed
  std::optional<uint32_t> outOfOrderReceived;       ///< segments that came after a gap
  std::optional<uint32_t> duplicatesReported;       ///< of totalRetransmits, those not needed (DSACK, RFC 2883)
  std::optional<uint64_t> bytesAcked;               ///< by the remote kernel, since the connection began
};
std::optional<TcpInfo> readTcpInfo(int fd);

/// What becomes of the bytes that we send on a connection.
struct SendState {
  /// Some of them are not acknowledged yet.
  bool outstanding = false;
  /// So often in a row our kernel has sent something again without progress.
  uint32_t repeated = 0;
  /// The answer to the last time is due by the path's own round trip.
  bool overdue = false;
  /// Something has come since, be it only a repetition of the remote side's own data.
  bool heardSince = false;
  /// Segments without data that came in all. A kernel that cannot take more (a closed window) answers with such a one; one
  /// that our bytes do not reach sends none.
  std::optional<uint32_t> bareAcks;
  /// Bytes that the remote kernel has taken in all, those of TLS and of the SYN included; nothing where ours does not say.
  std::optional<uint64_t> taken;
};
SendState sendStateOf(const TcpInfo& info);
/// True if the kernel holds bytes, an end or an error that were not read yet.
bool readableNow(int fd);

}  // namespace peerpulse::net
