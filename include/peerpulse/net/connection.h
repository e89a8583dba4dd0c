// Connection: one non-blocking stream socket on an event loop; reads into shared blocks, writes a Buffer with
// writev. It knows nothing of HTTP.
//
//   Connecting --established--> Open --close()/abort()/error/EOF+close--> Closed
//
// Threading: the dispatcher's thread.
// Ownership: owned by its user through unique_ptr; because callbacks run inside it, the user hands it to
//   Dispatcher::deferredDelete() instead of deleting it.
// Invariants: after onClosed(), close() or abort() no callback follows.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "peerpulse/base/buffer.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/net/read_blocks.h"
#include "peerpulse/net/socket.h"

namespace peerpulse::net {

class ConnectionCallbacks {
 public:
  virtual ~ConnectionCallbacks() = default;
  /// connect() succeeded; never called for accepted connections.
  virtual void onConnected() {}
  /// Bytes arrived.
  virtual void onRead(Slice data) = 0;
  /// End of one loop turn's reading: the moment to flush what the reads produced.
  virtual void onReadDone() {}
  /// The remote side sent FIN; writing is still possible.
  virtual void onEof() = 0;
  /// A flush() had left output behind, and it has now drained below half of kOutputLimit.
  virtual void onWritable() = 0;
  /// The connection failed: `error.code` is the errno value (ECONNREFUSED, ECONNRESET, ...).
  virtual void onClosed(const Error& error) = 0;
};

class Connection : public event::DeferredDeletable {
 public:
  enum class State : uint8_t { kConnecting, kOpen, kClosed };

  /// Bytes taken from the codec and not yet by the kernel: produce() up to this much.
  static constexpr size_t kOutputLimit = 256 * 1024;

  /// An accepted socket: Open at once, reading enabled.
  static std::unique_ptr<Connection> accepted(event::Dispatcher& dispatcher, ReadBlocks& blocks, Fd fd,
                                              ConnectionCallbacks& callbacks);
  /// Starts to connect; the outcome arrives as onConnected() or onClosed(), never before this returns.
  static std::unique_ptr<Connection> connectTo(event::Dispatcher& dispatcher, ReadBlocks& blocks,
                                               const SocketAddress& address, const SocketOptions& options,
                                               ConnectionCallbacks& callbacks);
  ~Connection() override;

  State state() const { return state_; }
  int fd() const { return fd_.get(); }

  /// Where the owner's codec puts wire bytes; flush() sends them.
  Buffer& output() { return output_; }
  /// Writes as much as the kernel takes; the rest is written when the socket is writable.
  void flush();
  /// source.produce(Buffer&, size_t limit), as a codec has it, appends wire bytes until the buffer holds about `limit`:
  /// taken and written until there is no more, or the kernel takes no more (onWritable() tells when to go on). Only
  /// while Open. Bounded by kOutputLimit.
  template <typename Source>
  void sendFrom(Source& source) {
    while (state_ == State::kOpen) {
      if (output_.size() < kOutputLimit) source.produce(output_, kOutputLimit);
      if (state_ != State::kOpen || output_.empty()) return;
      flush();
      if (!output_.empty()) return;
    }
  }
  /// Stops or resumes reading (back-pressure).
  void setReadEnabled(bool enabled);

  /// Closes after the output was written (or at once if it is empty); reading stops.
  void closeAfterFlush();
  /// FIN. Unwritten output is dropped.
  void close();
  /// RST: the remote side must not take what it got for complete.
  void abort();

  /// How long ago the remote side's kernel was last heard here.
  struct LastHeard {
    Duration ack{};                  ///< acknowledged something
    std::optional<Duration> unread;  ///< sent bytes that are still to be read
  };
  /// Two cheap system calls, whatever the loop has yet to read. Nothing unless Open and over TCP.
  std::optional<LastHeard> lastHeard() const;

  uint64_t bytesRead() const { return bytesRead_; }
  uint64_t bytesWritten() const { return bytesWritten_; }

 private:
  Connection(event::Dispatcher& dispatcher, ReadBlocks& blocks, Fd fd, State state, ConnectionCallbacks& callbacks);

  void onEvents(uint32_t events);
  void finishConnect();
  void readAll();
  void writeAll();
  void updateEvents();
  void fail(Error error);
  void failLater(Error error);
  void shut();

  event::Dispatcher& dispatcher_;
  ReadBlocks& blocks_;
  Fd fd_;
  State state_;
  ConnectionCallbacks* callbacks_;
  std::unique_ptr<event::FileEvent> event_;
  std::unique_ptr<event::Timer> failTimer_;
  Buffer output_;
  size_t readSize_ = kInitialReadSize;
  bool readEnabled_ = true;
  bool eof_ = false;
  bool wantsWritable_ = false;
  bool closing_ = false;  // closeAfterFlush()
  uint64_t bytesRead_ = 0;
  uint64_t bytesWritten_ = 0;

  static constexpr size_t kInitialReadSize = 16 * 1024;
};

}  // namespace peerpulse::net
