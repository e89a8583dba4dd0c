// Transport: the bytes of one connection, below net::Connection and above the kernel. It is the seam at which I/O is
// injected and where TLS goes: PlainTransport is a stream socket, the tests have one in memory, and TlsTransport wraps
// another one.
//
//   connecting --connectResult() == 0--> handshaking --handshake() kOk--> carrying --close()--> closed
//
// It moves bytes and says when it can; it keeps no queue, and decides nothing.
//
// Threading: its loop's thread.
// Ownership: owned by its Connection. No event comes after close() or destruction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <sys/uio.h>

#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"
#include "peerpulse/net/socket.h"

namespace peerpulse::net {

/// What a transport can be waited for.
namespace ready {
inline constexpr uint32_t kRead = 1;
inline constexpr uint32_t kWrite = 2;
}  // namespace ready

struct IoResult {
  enum class Status : uint8_t {
    kOk,     ///< `bytes` moved (handshake: done)
    kAgain,  ///< nothing now; `wants` says what to wait for
    kEnd,    ///< read: the remote side ended its direction in order
    kError,  ///< `error` is an errno value or a TlsFailure
  };
  Status status = Status::kOk;
  size_t bytes = 0;
  uint32_t wants = 0;
  int error = 0;

  static IoResult moved(size_t n) { return {Status::kOk, n, 0, 0}; }
  static IoResult again(uint32_t wants) { return {Status::kAgain, 0, wants, 0}; }
  static IoResult end() { return {Status::kEnd, 0, 0, 0}; }
  static IoResult failed(int error) { return {Status::kError, 0, 0, error}; }
};

/// What two ends of a TLS connection have agreed upon; empty before the handshake.
struct TlsInfo {
  std::string version;  ///< "TLSv1.3"
  std::string alpn;     ///< "h2", "http/1.1"; empty: nothing was agreed
  bool resumed = false;
  bool ktls = false;  ///< the kernel encrypts what is sent
  /// The remote side has asked for new keys (RFC 8446 4.6.3), and the kernel can take none: what is under way goes on, and
  /// nothing new is to begin.
  bool keysWornOut = false;
  std::optional<WallTime> peerNotAfter;  ///< when the remote side's certificate expires, if it has shown one
};

/// How long ago the remote side's kernel was last heard on a connection.
struct LastHeard {
  Duration ack{};                  ///< it acknowledged something
  std::optional<Duration> unread;  ///< it sent bytes that are still to be read
};

class TransportEvents {
 public:
  virtual ~TransportEvents() = default;
  /// `events` (ready::kRead | ready::kWrite) hold, of those watched for. Level-triggered.
  virtual void onTransportReady(uint32_t events) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  /// Once, before watch().
  virtual void attach(TransportEvents& events) = 0;
  /// Watches for these, 0 for none.
  virtual void watch(uint32_t events) = 0;

  /// While connecting, when writable: 0, or the errno value of the failed connect.
  virtual int connectResult() = 0;
  /// Called once connected, and again when what it wanted holds, until it is kOk.
  virtual IoResult handshake() = 0;
  /// At most what fits; never blocks.
  virtual IoResult read(const iovec* entries, int count) = 0;
  virtual IoResult write(const iovec* entries, int count) = 0;
  /// Ends our direction in order, after what was written (FIN, close_notify).
  virtual Result<void> shutdownWrite() = 0;
  /// `reset`: the remote side must not take what it got for complete (RST). Closed already: no-op.
  virtual void close(bool reset) = 0;

  /// Bytes, an end or an error wait to be read.
  virtual bool readableNow() const = 0;
  /// Nothing where no kernel can be asked.
  virtual std::optional<LastHeard> lastHeard() const = 0;
  /// The same.
  virtual std::optional<SendState> sendState() const { return std::nullopt; }
  /// For statistics and poll(); -1 where there is none.
  virtual int fd() const = 0;

  /// The words for IoResult::error `code` of a `what` ("read").
  virtual Error failure(const char* what, int code) const { return systemError(what, code); }
  /// Null where no TLS is spoken. Otherwise accepted connections have a handshake to do, too.
  virtual const TlsInfo* tls() const { return nullptr; }
};

/// Opens transports to addresses.
class Connector {
 public:
  virtual ~Connector() = default;
  /// Starts to connect; the transport becomes writable when the outcome is known. An error: it could not even begin,
  /// for reasons of our own host (descriptors, ports) or at once by the kernel's routes.
  virtual Result<std::unique_ptr<Transport>> connect(const SocketAddress& address, const SocketOptions& options) = 0;
};

}  // namespace peerpulse::net
