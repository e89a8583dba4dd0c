// The h1 client side (RFC 9112): one request at a time over a connection that may be reused.
#include <string>
#include <utility>

#include "connection.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::http::h1 {
namespace {

constexpr int kMaxInformational = 16;  // faults C6

class ClientCodec;

class ClientStream final : public H1StreamOf<RequestStream> {
 public:
  ClientStream(ClientCodec& codec, ResponseReceiver& receiver);
  void sendHeaders(const RequestHead& head, bool end) override;
  void reset(ResetReason reason) override;

  ResponseReceiver& response;
  bool headRequest = false;
  bool upgrade = false;
  bool requestSent = false;  ///< all of the request is on the wire
  bool responded = false;    ///< final head was told
  int informational = 0;

 private:
  ClientCodec& codec_;
};

class ClientCodec final : public http::ClientCodec, public Connection {
 public:
  ClientCodec(ClientCodecOwner& owner, const CodecLimits& limits)
      : Connection(owner, limits), owner_(owner), scanner_(HeadScanner::Kind::kResponse, limits_) {}

  Result<void> receive(Slice in) override;
  void receiveEof() override;
  void connectionLost(std::string_view detail) override { breakOff(ResetReason::kConnectionClosed, detail); }
  void produce(Buffer& out, size_t limit) override { produceBytes(out, limit); }
  bool wantsRead() const override { return !eof_ && roomForInput(); }
  bool finished() const override { return stream_ == nullptr && (broken_ || !keepAlive_) && out_.empty(); }
  bool outputEnded() const override { return tunnel_ && stream_ != nullptr && stream_->ended && out_.empty(); }
  void drain() override;
  size_t activeStreams() const override { return stream_ != nullptr ? 1 : 0; }
  bool canOpenStream() const override {
    return stream_ == nullptr && keepAlive_ && !broken_ && !eof_ && out_.empty();
  }
  RequestStream& openStream(ResponseReceiver& receiver) override;
  bool submitPing(uint64_t) override { return false; }

  void sendHeaders(ClientStream& stream, const RequestHead& head, bool end);
  void forget();

 private:
  enum class State : uint8_t { kHead, kBody };

  ClientStream& stream() { return static_cast<ClientStream&>(*stream_); }
  bool step(Slice& in) override;
  void afterOutput() override;
  bool readHead(Slice& in);
  void openResponse();
  void informational(ResponseHead&& head);
  void endResponse();
  void maybeClose();

  ClientCodecOwner& owner_;
  HeadScanner scanner_;
  State state_ = State::kHead;
  bool tunnel_ = false;
};

ClientStream::ClientStream(ClientCodec& codec, ResponseReceiver& r)
    : H1StreamOf<RequestStream>(codec), response(r), codec_(codec) {
  receiver = &r;
}

void ClientStream::sendHeaders(const RequestHead& head, bool end) { codec_.sendHeaders(*this, head, end); }

// Nothing of the request left: the connection is as good as before.
void ClientStream::reset(ResetReason reason) {
  if (!headersSent && !gone) {
    codec_.forget();
  } else {
    H1StreamOf<RequestStream>::reset(reason);
  }
}

void ClientCodec::forget() {
  stream_.reset();
  owner_.onOutputReady();
}

RequestStream& ClientCodec::openStream(ResponseReceiver& receiver) {
  PP_ASSERT(canOpenStream());
  auto opened = std::make_unique<ClientStream>(*this, receiver);
  ClientStream& s = *opened;
  stream_ = std::move(opened);
  scanner_.restart(HeadScanner::Kind::kResponse);
  state_ = State::kHead;
  return s;
}

void ClientCodec::sendHeaders(ClientStream& s, const RequestHead& head, bool end) {
  if (s.gone || broken_) return;
  PP_ASSERT(!s.headersSent);
  s.headersSent = true;
  s.ended = end;
  s.headRequest = head.method == "HEAD";
  s.upgrade = !head.upgrade.empty();
  SendKind kind = SendKind::kNone;
  uint64_t length = 0;
  out_.text(requestHead(head, end, kind, length));
  writer_.start(kind, length);
  if (end) writer_.end(out_, HeaderList());
  owner_.onOutputReady();
}

void ClientCodec::drain() {
  keepAlive_ = false;
  owner_.onOutputReady();
}

// --- input ----------------------------------------------------------------------------------------------

Result<void> ClientCodec::receive(Slice in) {
  if (stream_ == nullptr && !broken_ && !in.empty()) {
    // Bytes that answer no request would be taken for the next one's answer (faults C13).
    fail("bytes on an idle connection");
  }
  return receiveBytes(std::move(in));
}

bool ClientCodec::step(Slice& in) {
  if (stream_ == nullptr) {
    fail("bytes after the response");
    return false;
  }
  if (!stream().headersSent) {
    fail("response before the request");
    return false;
  }
  if (state_ == State::kHead) return readHead(in);
  if (body_.done()) {
    // The response is complete, the request not yet: what follows belongs to nothing.
    fail("bytes after the response");
    return false;
  }
  const size_t before = in.size();
  if (!readBody(in)) return false;
  if (body_.done()) endResponse();
  return in.size() != before;
}

bool ClientCodec::readHead(Slice& in) {
  std::string_view rest = in.view();
  const HeadScanner::Status status = scanner_.feed(rest);
  in.removePrefix(in.size() - rest.size());
  if (status == HeadScanner::Status::kFault) fail(scanner_.fault().detail);
  if (status == HeadScanner::Status::kComplete) openResponse();
  return true;
}

void ClientCodec::openResponse() {
  ClientStream& s = stream();
  ParsedResponse response;
  auto fault = parseResponse(scanner_.text(), limits_, s.headRequest, s.upgrade, response);
  if (!fault) fault = body_.start(HTTP_RESPONSE, scanner_.text(), response);
  if (fault) {
    fail(fault->detail);
    return;
  }
  scanner_.restart(HeadScanner::Kind::kResponse);
  const int status = response.head.status;
  if (status < 200 && status != 101) {
    informational(std::move(response.head));
    return;
  }
  if (status == 101 && !s.requestSent) {
    fail("101 before the end of the request");
    return;
  }
  if (!response.framing.keepAlive) keepAlive_ = false;
  state_ = State::kBody;
  s.responded = true;
  if (status == 101) {
    tunnel_ = true;
    keepAlive_ = false;
    body_.becomeTunnel();
    s.ended = false;
    writer_.start(SendKind::kTunnel, 0);
  }
  s.response.onHeaders(std::move(response.head));
  if (!s.gone && body_.done()) endResponse();
}

void ClientCodec::informational(ResponseHead&& head) {
  ClientStream& s = stream();
  if (++s.informational > kMaxInformational) {
    fail("too many informational responses");
    return;
  }
  s.response.onInformational(std::move(head));
}

void ClientCodec::endResponse() {
  finishIncoming();
  maybeClose();
}

// A response that is complete ends the exchange, even if the request is not all sent: then only the
// connection is lost.
void ClientCodec::maybeClose() {
  if (stream_ == nullptr || stream_->gone || !stream_->incomingDone) return;
  ClientStream& s = stream();
  if (tunnel_) {
    if (!s.ended || !out_.empty()) return;
  } else if (!s.requestSent) {
    keepAlive_ = false;
    out_.clear();
  }
  if (hasInput()) keepAlive_ = false;
  if (!keepAlive_) {
    dropInput();
    broken_ = true;
  }
  closeStream();
  owner_.onCapacityChanged();
  owner_.onOutputReady();
}

void ClientCodec::receiveEof() {
  if (eof_) return;
  eof_ = true;
  keepAlive_ = false;
  if (broken_) return;
  if (stream_ == nullptr) {
    broken_ = true;
  } else if (state_ == State::kBody && !body_.done() && body_.endOfFile()) {
    endResponse();
  } else if (!stream_->incomingDone) {
    breakOff(ResetReason::kConnectionClosed,
             state_ == State::kHead ? "end of file before a response" : "end of file in the middle of a response");
  }
}

// --- output ---------------------------------------------------------------------------------------------

void ClientCodec::afterOutput() {
  if (stream_ == nullptr) return;
  ClientStream& s = stream();
  if (s.ended && !tunnel_) s.requestSent = true;
  maybeClose();
}

}  // namespace
}  // namespace peerpulse::http::h1

namespace peerpulse::http {

std::unique_ptr<ClientCodec> createH1ClientCodec(ClientCodecOwner& owner, const CodecLimits& limits) {
  return std::make_unique<h1::ClientCodec>(owner, limits);
}

}  // namespace peerpulse::http
