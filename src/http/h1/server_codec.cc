// The h1 server side (RFC 9112): one request at a time, what follows waits until its answer is out.
#include <string>
#include <utility>

#include "connection.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::http::h1 {
namespace {

/// After an early answer this much of the request is still read, so that the client gets to see the answer
/// instead of a reset (faults C8).
constexpr size_t kMaxDiscard = 256 * 1024;

class ServerCodec;

class ServerStream final : public H1StreamOf<ResponseStream> {
 public:
  explicit ServerStream(ServerCodec& codec);
  void sendInformational(const ResponseHead& head) override;
  void sendHeaders(const ResponseHead& head, bool end) override;

  bool toHttp10 = false;
  bool headRequest = false;
  bool expectContinue = false;
  std::string upgrade;  ///< what the request asked for

 private:
  ServerCodec& codec_;
};

class ServerCodec final : public Codec, public Connection {
 public:
  ServerCodec(ServerCodecOwner& owner, const CodecLimits& limits)
      : Connection(owner, limits), owner_(owner), scanner_(HeadScanner::Kind::kRequest, limits_) {}

  Result<void> receive(Slice in) override;
  void receiveEof() override;
  void connectionLost(std::string_view detail) override { breakOff(ResetReason::kConnectionClosed, detail); }
  void produce(Buffer& out, size_t limit) override { produceBytes(out, limit); }
  bool wantsRead() const override { return state_ != State::kClosing && !eof_ && roomForInput(); }
  bool finished() const override;
  bool outputEnded() const override;
  void drain() override;
  size_t activeStreams() const override { return stream_ != nullptr ? 1 : 0; }

  void sendInformational(ServerStream& stream, const ResponseHead& head);
  void sendHeaders(ServerStream& stream, const ResponseHead& head, bool end);

 private:
  enum class State : uint8_t {
    kHead,
    kBody,
    kWait,     ///< request complete, its answer is not out yet
    kDiscard,  ///< answered early: the rest of the body goes nowhere
    kClosing,  ///< no more input
  };

  bool step(Slice& in) override;
  void afterOutput() override;
  bool readHead(Slice& in);
  void openRequest();
  void refuse(const Fault& fault);
  void endRequest();
  bool discard(Slice& in);
  void endTunnelInput();
  void onFault(bool answered) override;

  ServerCodecOwner& owner_;
  HeadScanner scanner_;
  State state_ = State::kHead;
  size_t discarded_ = 0;
  bool sawBody_ = false;
  bool tunnel_ = false;
};

ServerStream::ServerStream(ServerCodec& codec) : H1StreamOf<ResponseStream>(codec), codec_(codec) {}
void ServerStream::sendInformational(const ResponseHead& head) { codec_.sendInformational(*this, head); }
void ServerStream::sendHeaders(const ResponseHead& head, bool end) { codec_.sendHeaders(*this, head, end); }

// --- input ----------------------------------------------------------------------------------------------

Result<void> ServerCodec::receive(Slice in) {
  if (state_ == State::kClosing && failure_.empty()) return {};  // what follows is no longer read
  return receiveBytes(std::move(in));
}

bool ServerCodec::step(Slice& in) {
  switch (state_) {
    case State::kHead: return readHead(in);
    case State::kBody: {
      sawBody_ = true;
      const std::string_view before = in.view();
      if (!readBody(in)) return false;
      if (body_.done() && state_ == State::kBody) endRequest();
      return in.size() != before.size();
    }
    case State::kDiscard: return discard(in);
    case State::kWait: return false;
    case State::kClosing: in = Slice(); return false;
  }
  return false;
}

bool ServerCodec::readHead(Slice& in) {
  std::string_view rest = in.view();
  const HeadScanner::Status status = scanner_.feed(rest);
  in.removePrefix(in.size() - rest.size());
  if (status == HeadScanner::Status::kFault) refuse(scanner_.fault());
  if (status == HeadScanner::Status::kComplete) openRequest();
  return true;
}

void ServerCodec::openRequest() {
  ParsedRequest request;
  auto fault = parseRequest(scanner_.text(), limits_, request);
  if (!fault) fault = body_.start(HTTP_REQUEST, scanner_.text(), request);
  if (fault) {
    refuse(*fault);
    return;
  }
  scanner_.restart(HeadScanner::Kind::kRequest);
  if (!request.framing.keepAlive) keepAlive_ = false;
  auto stream = std::make_unique<ServerStream>(*this);
  ServerStream& s = *stream;
  s.toHttp10 = request.head.version == Version::kHttp10;
  s.headRequest = request.head.method == "HEAD";
  s.expectContinue = request.expectContinue;
  s.upgrade = request.head.upgrade;
  stream_ = std::move(stream);
  state_ = State::kBody;
  sawBody_ = false;
  Receiver* receiver = owner_.onRequest(s, std::move(request.head));
  if (s.gone) return;
  s.receiver = receiver;
  if (body_.done()) endRequest();
}

// The answer is the owner's; after it the connection ends, for nobody knows where the next request begins.
void ServerCodec::refuse(const Fault& fault) {
  keepAlive_ = false;
  state_ = State::kClosing;
  auto stream = std::make_unique<ServerStream>(*this);
  ServerStream& s = *stream;
  stream_ = std::move(stream);
  Receiver* receiver = owner_.onBadRequest(s, fault.status, fault.detail);
  if (s.gone) return;
  s.receiver = receiver;
  s.incomingDone = true;
  receiver->onEnd();
}

void ServerCodec::endRequest() {
  if (!tunnel_) state_ = State::kWait;
  finishIncoming();
}

// The stream was reset; if no answer had begun, the client is owed one.
void ServerCodec::onFault(bool answered) {
  state_ = State::kClosing;
  if (!answered) out_.text("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
}

bool ServerCodec::discard(Slice& in) {
  std::vector<Slice> pieces;
  const size_t before = in.size();
  body_.feed(in, pieces);
  discarded_ += before - in.size();
  if (body_.done() || body_.fault() || discarded_ > kMaxDiscard) {
    state_ = State::kClosing;
    owner_.onOutputReady();
  }
  return in.size() != before;
}

void ServerCodec::receiveEof() {
  if (eof_) return;
  eof_ = true;
  if (broken_) return;
  if (tunnel_ && stream_ != nullptr && !stream_->incomingDone) {
    if (!hasInput()) endTunnelInput();
  } else if (state_ == State::kBody) {
    breakOff(ResetReason::kConnectionClosed, "end of file in the middle of a request");
  } else if (state_ == State::kHead || state_ == State::kDiscard) {
    state_ = State::kClosing;
  }
  // kWait: the client said all it had to say and waits for the answer: legal (faults C9). Requests it had
  // pipelined before are still served: afterOutput() goes on with the backlog.
}

// The client's direction is over; ours goes on until it ends as well.
void ServerCodec::endTunnelInput() {
  body_.endOfFile();
  finishIncoming();
  if (out_.empty()) afterOutput();
  owner_.onOutputReady();
}

bool ServerCodec::outputEnded() const {
  if (!out_.empty()) return false;
  return state_ == State::kDiscard || (tunnel_ && stream_ != nullptr && stream_->ended);
}

bool ServerCodec::finished() const {
  if (broken_) return out_.empty();
  if (stream_ != nullptr || !out_.empty()) return false;
  if (state_ == State::kClosing) return true;
  if (eof_ && state_ == State::kHead) return !hasInput();
  return state_ == State::kHead && !keepAlive_ && !scanner_.started() && !hasInput();
}

void ServerCodec::drain() {
  keepAlive_ = false;
  owner_.onOutputReady();
}

// --- output ---------------------------------------------------------------------------------------------

void ServerCodec::sendInformational(ServerStream& stream, const ResponseHead& head) {
  if (stream.gone || broken_ || stream.toHttp10) return;
  PP_ASSERT(!stream.headersSent && head.status >= 100 && head.status < 200 && head.status != 101);
  if (head.status == 100) stream.expectContinue = false;
  out_.text(informationalHead(head));
  owner_.onOutputReady();
}

void ServerCodec::sendHeaders(ServerStream& stream, const ResponseHead& head, bool end) {
  if (stream.gone || broken_) return;
  PP_ASSERT(!stream.headersSent);
  stream.headersSent = true;
  stream.ended = end;
  const bool tunnel = head.status == 101 && !stream.upgrade.empty();
  PP_ASSERT(tunnel || head.status >= 200);
  // An error before the request's end most likely ends the exchange early: then the client must know that
  // the connection will not be reused.
  const bool requestOpen = state_ == State::kBody && !body_.done();
  if (tunnel || (requestOpen && (end || head.status >= 300))) keepAlive_ = false;
  const bool last = !keepAlive_ || (eof_ && !hasInput());
  const ResponseContext context{stream.toHttp10, stream.headRequest, !last};
  SendKind kind = SendKind::kNone;
  uint64_t length = 0;
  out_.text(responseHead(head, context, end, kind, length));
  if (kind == SendKind::kUntilClose) keepAlive_ = false;
  writer_.start(kind, length);
  if (end) writer_.end(out_, HeaderList());
  if (tunnel && state_ != State::kWait) {
    // Bytes of the request's body would be taken for the tunnel's (faults B11).
    writer_.breakMessage();
  } else if (tunnel) {
    tunnel_ = true;
    stream.incomingDone = false;
    body_.becomeTunnel();
    state_ = State::kBody;
  }
  owner_.onOutputReady();
}

void ServerCodec::afterOutput() {
  if (stream_ != nullptr && stream_->ended && (stream_->incomingDone || !tunnel_)) {
    auto& stream = static_cast<ServerStream&>(*stream_);
    const bool complete = stream.incomingDone && !tunnel_;
    const bool waiting = stream.expectContinue && !sawBody_;
    if (complete) {
      if (state_ != State::kClosing) state_ = State::kHead;
    } else {
      keepAlive_ = false;
      // A client that waits for 100 (Continue) sends no body.
      state_ = tunnel_ || waiting || eof_ ? State::kClosing : State::kDiscard;
      discarded_ = 0;
    }
    const bool reuse = keepAlive_;
    closeStream();
    if (complete && !reuse) state_ = State::kClosing;
  }
  if (state_ == State::kClosing) {
    dropInput();
  } else if (hasInput()) {
    process();
  }
  // The client may have ended its direction before there was a tunnel.
  if (tunnel_ && eof_ && stream_ != nullptr && !stream_->incomingDone && !hasInput()) endTunnelInput();
}

}  // namespace
}  // namespace peerpulse::http::h1

namespace peerpulse::http {

std::unique_ptr<Codec> createH1ServerCodec(ServerCodecOwner& owner, const CodecLimits& limits) {
  return std::make_unique<h1::ServerCodec>(owner, limits);
}

}  // namespace peerpulse::http
