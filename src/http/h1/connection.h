// Connection: what both h1 codecs share: the input that waits, the output, the body being read and the one
// stream at a time.
//
// Threading: one thread. Ownership: owns the stream; streams that ended are kept until no call of ours is on
//   the stack, because the call may have come through them.
// Invariants: receivers are called from process() and produce() only, never from inside the parser. At most
//   one stream. Once broken_ no input is read and no output made.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "body_reader.h"
#include "output_queue.h"
#include "peerpulse/base/buffer.h"
#include "peerpulse/http/codec.h"
#include "serializer.h"

namespace peerpulse::http::h1 {

/// State of the one stream; the codecs' stream classes derive from it.
class H1Stream {
 public:
  H1Stream() = default;
  H1Stream(const H1Stream&) = delete;
  H1Stream& operator=(const H1Stream&) = delete;
  virtual ~H1Stream() = default;

  Receiver* receiver = nullptr;
  bool gone = false;          ///< closed, reset or given up: no more callbacks, calls are ignored
  bool incomingDone = false;  ///< onEnd() was told
  bool headersSent = false;   ///< final head
  bool ended = false;         ///< sendEnd() was called, or headers with `end`
  size_t unconsumed = 0;
  size_t bodyBytesSent = 0;  ///< of a body that is dropped, to be reported
};

class Connection {
 public:
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // What streams ask for.
  void sendData(H1Stream& stream, Slice data);
  void sendEnd(H1Stream& stream, const HeaderList& trailers);
  void consumed(H1Stream& stream, size_t n);
  void reset(H1Stream& stream);

 protected:
  Connection(CodecOwner& owner, const CodecLimits& limits) : limits_(limits), body_(limits_), owner_(owner) {}
  virtual ~Connection() = default;

  /// Reads the front of `in` in the codec's state; false when it can take no more of it now.
  virtual bool step(Slice& in) = 0;
  /// All output of the stream left after it ended; decides whether the stream is over.
  virtual void afterOutput() = 0;
  /// The input broke the protocol; the stream was told. `answered`: its head had been sent.
  virtual void onFault(bool answered) {}

  Result<void> receiveBytes(Slice in);
  void produceBytes(Buffer& out, size_t limit);
  bool roomForInput() const;
  void process();
  /// Reads body from `in` and tells the receiver; false when a fault ended the stream.
  bool readBody(Slice& in);
  /// Delivers trailers and the end.
  void finishIncoming();
  /// The stream ended in order.
  void closeStream();
  /// Nothing more in or out; the stream (if any) is told.
  void breakOff(ResetReason reason, std::string_view detail);
  void fail(std::string_view detail);
  bool hasInput() const { return !current_.empty() || !backlog_.empty(); }
  void dropInput() {
    current_ = Slice();
    backlog_.clear();
  }

  const CodecLimits limits_;
  std::unique_ptr<H1Stream> stream_;
  OutputQueue out_;
  MessageWriter writer_;
  BodyReader body_;
  bool keepAlive_ = true;
  bool broken_ = false;
  bool eof_ = false;
  std::string failure_;
  CodecOwner& owner_;

 private:
  /// Keeps ended streams alive while calls are on the stack.
  struct Busy {
    explicit Busy(Connection& c) : connection(c) { ++connection.depth_; }
    ~Busy() {
      if (--connection.depth_ == 0) connection.graveyard_.clear();
    }
    Connection& connection;
  };
  friend struct Busy;

  Slice current_;
  Buffer backlog_;
  std::vector<std::unique_ptr<H1Stream>> graveyard_;
  int depth_ = 0;
  bool processing_ = false;
};

template <class Interface>
class H1StreamOf : public Interface, public H1Stream {
 public:
  explicit H1StreamOf(Connection& connection) : connection_(connection) {}
  void sendData(Slice data) override { connection_.sendData(*this, std::move(data)); }
  void sendEnd(const HeaderList& trailers) override { connection_.sendEnd(*this, trailers); }
  void consumed(size_t n) override { connection_.consumed(*this, n); }
  void reset(ResetReason) override { connection_.reset(*this); }

 private:
  Connection& connection_;
};

}  // namespace peerpulse::http::h1
