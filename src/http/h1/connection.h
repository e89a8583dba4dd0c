// Connection: what both h1 codecs share: input that waits, output, the body being read, the states of both
// directions and the one stream at a time.
//
// Threading: one thread.
// Ownership: the stream is part of the codec; there is one while outgoing() is not kNone, and `receiver_` is
//   its user (null before a server's owner named it).
// Invariants: receivers are called from process(), produce() and receiveEof() only, never from inside the
//   parser, and after each call the states are looked at again. Once broken no input is read and no output
//   made but a last answer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "../piece_joiner.h"
#include "body_reader.h"
#include "input.h"
#include "message_writer.h"
#include "output_queue.h"
#include "peerpulse/base/buffer.h"
#include "peerpulse/http/codec.h"
#include "states.h"

namespace peerpulse::http::h1 {

class Connection {
 public:
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  States states() const { return {life_.now(), incoming_.now(), outgoing_.now()}; }

  // What the stream asks for.
  void sendData(Slice data);
  void sendEnd(const HeaderList& trailers);
  void consumed(size_t n);
  void allow(size_t bytes);
  void reset();

 protected:
  Connection(CodecOwner& owner, const CodecLimits& limits, Incoming first)
      : limits_(limits), incoming_(first), body_(limits_), owner_(owner), inputLimit_(limits.streamWindow) {}
  virtual ~Connection() = default;

  /// Reads from the front of `in` what its state allows; takes nothing if it must wait.
  virtual void step(Slice& in) = 0;
  /// All output left; decides whether the stream is over.
  virtual void afterOutput() = 0;
  /// The input broke the protocol; the stream was told. `answered`: its head had been sent.
  virtual void onFault(bool answered) {}

  Result<void> receiveBytes(Slice in);
  void produceBytes(Buffer& out, size_t limit);
  void process();
  /// Nothing is left to be written.
  void outputLeft();
  /// Reads body from `in` and tells the receiver; false when a fault or the receiver ended the stream.
  bool readBody(Slice& in);
  /// No more of the incoming body will come: what waited to be joined with it is delivered.
  void endOfBody();
  /// The incoming message is complete: delivers trailers and the end.
  void finishIncoming();
  /// A tunnel's incoming direction ended.
  void endTunnelInput();

  size_t inputLimit() const { return inputLimit_; }
  /// From here on no more waits than this, until allow().
  void limitInput(size_t bytes) { inputLimit_ = std::min(bytes, limits_.streamWindow); }
  bool hasStream() const { return !outgoing_.is(Outgoing::kNone); }
  bool over() const { return life_.is(Life::kClosing, Life::kBroken); }
  bool roomForInput() const;
  /// The tunnel sends nothing more, but still reads.
  bool tunnelHalfClosed() const { return life_.is(Life::kTunnel) && outgoing_.is(Outgoing::kSent); }
  void openStream(Receiver* receiver);
  /// The head was given, `end`: with all there is.
  void beginMessage(SendFraming framing, bool end);
  /// No exchange follows the one that is on.
  void makeLast() {
    if (life_.is(Life::kOpen)) life_.to(Life::kLast);
  }
  /// No exchange is on and none follows; what is left of the input goes nowhere.
  void close();
  void stopReading();
  /// Lets go of the stream; returns whom to tell.
  Receiver* detach();
  /// Ends the stream in order: the states first, so that its user may open the next from onClosed().
  void closeStream();
  /// Nothing more in or out; the stream (if any) is told.
  void breakOff(ResetReason reason, std::string_view detail);
  void fail(std::string_view detail);
  /// The connection is no more: what waited of the body is delivered, then the reset.
  void lose(std::string_view detail);

  const CodecLimits limits_;
  Machine<Life> life_{Life::kOpen};
  Machine<Incoming> incoming_;
  Machine<Outgoing> outgoing_{Outgoing::kNone};
  Input input_;
  OutputQueue out_;
  MessageWriter writer_;
  BodyReader body_;
  Receiver* receiver_ = nullptr;
  CodecOwner& owner_;

 private:
  void endMessage(const HeaderList& trailers);
  /// False when the receiver ended the stream, or the direction that is `reading`.
  bool deliver(Slice piece, Incoming reading);

  PieceJoiner joiner_;       ///< of the body being read
  std::string failure_;      ///< what the remote side did wrong
  size_t inputLimit_;        ///< of the body that is read
  size_t unconsumed_ = 0;    ///< told to the receiver and not given back
  size_t droppedBody_ = 0;   ///< body bytes that go nowhere, to be reported as sent
  bool processing_ = false;  ///< process() is on the stack
};

/// The half of a stream that does not depend on the side: hands everything on.
template <class Interface>
class StreamOf : public Interface {
 public:
  explicit StreamOf(Connection& connection) : connection_(connection) {}
  void sendData(Slice data) override { connection_.sendData(std::move(data)); }
  void sendEnd(const HeaderList& trailers) override { connection_.sendEnd(trailers); }
  void consumed(size_t n) override { connection_.consumed(n); }
  void reset(ResetReason) override { connection_.reset(); }

 private:
  Connection& connection_;
};

}  // namespace peerpulse::http::h1
