// ServerCodec: the h1 server side (RFC 9112): one request at a time, what follows waits until its answer is out.
//
// One exchange, as states of the two directions (states.h):
//
//   incoming:  kHead --head--> kBody --end--> kDone --answer out--> kHead ...        (kClosed if it was the last)
//   outgoing:  kNone ---------> kHead ------> kBody/kEnded -------> kSent -> kNone
//   early answer:   incoming kBody, outgoing kSent: kDiscard, the connection is kClosing
//   tunnel:         incoming kDone -> kTunnel, outgoing kHead -> kBody; each ends for itself
//   bad request:    incoming kClosed at once, outgoing kHead: the owner's answer is the last thing said
//
// Threading: one thread. Ownership: owns its stream.
#pragma once

#include <cstddef>
#include <string_view>

#include "connection.h"
#include "head_scanner.h"

namespace peerpulse::http::h1 {

class ServerCodec;

class ServerStream final : public StreamOf<ResponseStream> {
 public:
  explicit ServerStream(ServerCodec& codec);
  void sendInformational(const ResponseHead& head) override;
  void sendHeaders(const ResponseHead& head, bool end) override;

 private:
  ServerCodec& codec_;
};

class ServerCodec final : public Codec, public Connection {
 public:
  ServerCodec(ServerCodecOwner& owner, const CodecLimits& limits);

  Result<void> receive(Slice in) override { return receiveBytes(std::move(in)); }
  void receiveEof() override;
  void connectionLost(std::string_view detail) override { lose(detail); }
  void produce(Buffer& out, size_t limit) override { produceBytes(out, limit); }
  bool wantsRead() const override;
  size_t bufferLimit() const override { return limits_.streamWindow; }
  bool finished() const override;
  bool outputEnded() const override;
  void drain() override;
  /// Requests that wait for their turn go nowhere; the last words are those of the answer that is on.
  void goAway() override { stopReading(); }
  size_t activeStreams() const override { return hasStream() ? 1 : 0; }
  bool readingHead() const override { return scanner_.started(); }

  // What the stream asks for.
  void sendInformational(const ResponseHead& head);
  void sendHeaders(const ResponseHead& head, bool end);

 private:
  /// Facts about the request that is on.
  struct Request {
    bool http10 = false;
    bool head = false;
    bool upgrade = false;         ///< asked for another protocol
    bool awaitsContinue = false;  ///< sends no body before a 100
    bool secondBody = false;      ///< another one may follow the one that is read
  };

  void step(Slice& in) override;
  void afterOutput() override;
  void onFault(bool answered) override;
  void readHead(Slice& in);
  void openRequest();
  void finishBody();
  void refuse(const Fault& fault);
  void discard(Slice& in);
  void answerIsOut();
  void endEarly();
  void startTunnel();
  void settle();
  void breakOffRequest();

  ServerCodecOwner& owner_;
  HeadScanner scanner_;
  ServerStream stream_;
  Request request_;
  size_t discarded_ = 0;
};

}  // namespace peerpulse::http::h1
