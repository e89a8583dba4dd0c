// ClientCodec: the h1 client side (RFC 9112): one request at a time over a connection that may be reused.
//
// One exchange, as states of the two directions (states.h):
//
//   outgoing:  kNone -> kHead -> kBody/kEnded -> kSent -------------------> kNone
//   incoming:  kIdle -> kHead -----------------------> kBody -> kDone -> kIdle       (kClosed if it was the last)
//   a complete answer ends the exchange, whatever of the request was not sent; the connection with it
//   tunnel:    incoming kHead -> kTunnel, outgoing kSent -> kBody; each ends for itself
//
// Threading: one thread. Ownership: owns its stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "connection.h"
#include "head_scanner.h"

namespace peerpulse::http::h1 {

class ClientCodec;

class ClientStream final : public StreamOf<RequestStream> {
 public:
  explicit ClientStream(ClientCodec& codec);
  void sendHeaders(const RequestHead& head, bool end) override;
  void sendBodyEnd() override;
  void reset(ResetReason reason) override;
  void allow(size_t bytes) override;

 private:
  ClientCodec& codec_;
};

class ClientCodec final : public http::ClientCodec, public Connection {
 public:
  ClientCodec(ClientCodecOwner& owner, const CodecLimits& limits);

  Result<void> receive(Slice in) override;
  void receiveEof() override;
  void connectionLost(std::string_view detail) override { lose(detail); }
  void produce(Buffer& out, size_t limit) override { produceBytes(out, limit); }
  bool wantsRead() const override { return !incoming_.is(Incoming::kClosed) && roomForInput(); }
  size_t bufferLimit() const override { return limits_.streamWindow; }
  size_t readLimit() const override { return inputLimit(); }
  bool finished() const override { return over() && !hasStream() && out_.empty(); }
  bool outputEnded() const override { return out_.empty() && tunnelHalfClosed(); }
  void drain() override;
  size_t activeStreams() const override { return hasStream() ? 1 : 0; }
  bool canOpenStream() const override { return life_.is(Life::kOpen) && !hasStream() && out_.empty(); }
  RequestStream& openStream(ResponseReceiver& receiver) override;
  bool submitPing(uint64_t) override { return false; }

  // What the stream asks for.
  void sendHeaders(const RequestHead& head, bool end);
  void sendBodyEnd();
  /// Drops a request of which nothing was sent: the connection is as good as before. False: too late for that.
  bool forget();
  /// Nobody waits any more for a tunnel of which both ways have ended: what is left goes out in order. False: none such.
  bool leaveEnded();

 private:
  void step(Slice& in) override;
  void afterOutput() override;
  void readHead(Slice& in);
  void openResponse();
  void informational(ResponseHead&& head);
  void endResponse();
  void closeExchange();

  ClientCodecOwner& owner_;
  HeadScanner scanner_;
  ClientStream stream_;
  ResponseReceiver* response_ = nullptr;  ///< the same as receiver_
  Asked asked_;
  int informational_ = 0;
};

}  // namespace peerpulse::http::h1
