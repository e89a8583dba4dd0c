// Connection: one stream connection on an event loop; reads into shared blocks, writes a Buffer with writev. Each
// direction ends on its own. It knows nothing of HTTP.
//
//                       onTcpConnected()        onReady()
//   Connecting ---------> Handshaking ---------> Open -----endOutput(), all written-----> LocalEnded
//       |                      |                  |                                          |
//       |                      |                  +--onEof()--> RemoteEnded --endOutput()----+--> Closed
//       +---- error -----------+------------------+---- error, close(), abort() -------------> Closed
//
// Threading: the loop's thread.
// Ownership: owned by its user through unique_ptr; because callbacks run inside it, the user hands it to
//   Scheduler::deferredDelete() instead of deleting it.
// Invariants: onClosed() comes at most once; after it, close() or abort() no callback follows. What the remote side sent
//   before it broke the connection is read before the break is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "peerpulse/base/buffer.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/event/scheduler.h"
#include "peerpulse/net/destination.h"
#include "peerpulse/net/read_blocks.h"
#include "peerpulse/net/transport.h"

namespace peerpulse::net {

class ConnectionCallbacks {
 public:
  virtual ~ConnectionCallbacks() = default;
  /// The remote kernel answered our SYN: evidence of life, but nothing can be sent yet. Never for accepted connections.
  virtual void onTcpConnected() {}
  /// The handshake is done (plain: nothing to do): output flows. Never for accepted connections over plain transports,
  /// which are Open from the start.
  virtual void onReady() {}
  /// Bytes arrived.
  virtual void onRead(Slice data) = 0;
  /// End of one loop turn's reading: the moment to flush what the reads produced.
  virtual void onReadDone() {}
  /// The remote side ended its direction; writing is still possible.
  virtual void onEof() = 0;
  /// A flush() had left output behind, and it has now drained below half of kOutputLimit.
  virtual void onWritable() = 0;
  /// The connection failed: `error.code` is the errno value (ECONNREFUSED, ECONNRESET, ...); or, with code 0, both
  /// directions have ended in order.
  virtual void onClosed(const Error& error) = 0;
};

class Connection final : public event::DeferredDeletable, private TransportEvents {
 public:
  enum class State : uint8_t { kConnecting, kHandshaking, kOpen, kRemoteEnded, kLocalEnded, kClosed };

  /// Bytes taken from the codec and not yet by the kernel: produce() up to this much.
  static constexpr size_t kOutputLimit = 256 * 1024;
  static constexpr size_t kMinReadLimit = 16 * 1024;

  /// An accepted connection: over a plain transport Open at once, over TLS Handshaking; reading enabled.
  static std::unique_ptr<Connection> accepted(event::Scheduler& scheduler, ReadBlocks& blocks,
                                              std::unique_ptr<Transport> transport, ConnectionCallbacks& callbacks);
  /// Starts to connect, to whichever address of several answers first; the outcome arrives as onReady() or onClosed(), never before this returns.
  static std::unique_ptr<Connection> connectTo(event::Scheduler& scheduler, ReadBlocks& blocks, Connector& connector,
                                               const Destination& to, const SocketOptions& options,
                                               ConnectionCallbacks& callbacks);
  ~Connection() override;

  State state() const { return state_; }
  bool connecting() const { return state_ == State::kConnecting || state_ == State::kHandshaking; }
  /// Output can be sent.
  bool writable() const { return (state_ == State::kOpen || state_ == State::kRemoteEnded) && writeError_ == 0; }
  /// Both directions are open.
  bool open() const { return state_ == State::kOpen; }
  int fd() const { return transport_ != nullptr ? transport_->fd() : -1; }
  /// Null where no TLS is spoken.
  const TlsInfo* tls() const { return transport_ != nullptr ? transport_->tls() : nullptr; }
  /// Somebody else takes the connection over.
  void setCallbacks(ConnectionCallbacks& callbacks) { callbacks_ = &callbacks; }

  /// Where the owner's codec puts wire bytes; flush() sends them.
  Buffer& output() { return output_; }
  /// Writes as much as the kernel takes; the rest is written when the transport is writable.
  void flush();
  /// Stops or resumes reading (back-pressure). Cheap to toggle.
  void setReadEnabled(bool enabled);
  /// No read takes more than this at a time; not below kMinReadLimit.
  void setReadLimit(size_t bytes);

  /// Ends our direction once the output is written (and, while connecting, once there is a connection); reading goes on.
  /// Already ended: no-op.
  void endOutput();
  /// Ends both directions in order. Unwritten output is dropped.
  void close() { shut(false); }
  /// RST: the remote side must not take what it got for complete.
  void abort() { shut(true); }

  /// Two cheap system calls, whatever the loop has yet to read. Nothing unless something can be read or written.
  std::optional<LastHeard> lastHeard() const;
  /// One cheap system call. Nothing unless there is a connection.
  std::optional<SendState> sendState() const;
  /// Something waits to be read: bytes, an end or an error.
  bool readableNow() const { return transport_ != nullptr && transport_->readableNow(); }

  uint64_t bytesRead() const { return bytesRead_; }
  uint64_t bytesWritten() const { return bytesWritten_; }

 private:
  Connection(event::Scheduler& scheduler, ReadBlocks& blocks, std::unique_ptr<Transport> transport, State state,
             ConnectionCallbacks& callbacks);

  void enter(State to);
  void onTransportReady(uint32_t events) override;
  void finishConnect();
  void shakeHands();
  void readAll();
  bool readSome();
  void writeAll();
  /// Writes what a flush() has left behind.
  void writeOn();
  bool readsOn() const { return state_ == State::kOpen || state_ == State::kLocalEnded; }
  void remoteEnded();
  void finishOutput();
  void updateWatch();
  void fail(Error error);
  void failLater(Error error);
  void shut(bool reset);
  void release(bool reset);

  event::Scheduler& scheduler_;
  ReadBlocks& blocks_;
  std::unique_ptr<Transport> transport_;
  State state_;
  ConnectionCallbacks* callbacks_;
  std::unique_ptr<event::Timer> failTimer_;
  Buffer output_;
  size_t readSize_ = kInitialReadSize;
  size_t readLimit_ = SIZE_MAX;
  uint32_t watched_ = 0;
  uint32_t handshakeWants_ = ready::kRead;
  bool readEnabled_ = true;
  bool outputEnds_ = false;  // endOutput() was called
  bool reading_ = false;     // readAll() is on the stack
  int writeError_ = 0;       // the output's end by error, while what was received is still being read
  uint64_t bytesRead_ = 0;
  uint64_t bytesWritten_ = 0;

  static constexpr size_t kInitialReadSize = 16 * 1024;
};

const char* toString(Connection::State state);

}  // namespace peerpulse::net
