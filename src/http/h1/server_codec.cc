#include "server_codec.h"

#include <memory>
#include <utility>

#include "peerpulse/base/assert.h"

namespace peerpulse::http::h1 {
namespace {

/// After an early answer this much of the request is still read, so that the client gets to see the answer
/// instead of a reset (faults C8).
constexpr size_t kMaxDiscard = size_t{256} * 1024;

}  // namespace

ServerStream::ServerStream(ServerCodec& codec) : StreamOf<ResponseStream>(codec), codec_(codec) {}
void ServerStream::sendInformational(const ResponseHead& head) { codec_.sendInformational(head); }
void ServerStream::sendHeaders(const ResponseHead& head, bool end) { codec_.sendHeaders(head, end); }

ServerCodec::ServerCodec(ServerCodecOwner& owner, const CodecLimits& limits)
    : Connection(owner, limits, Incoming::kHead),
      owner_(owner),
      scanner_(HeadScanner::Kind::kRequest, limits_),
      stream_(*this) {}

// --- input ----------------------------------------------------------------------------------------------

void ServerCodec::step(Slice& in) {
  switch (incoming_.now()) {
    case Incoming::kHead: readHead(in); break;
    case Incoming::kBody:
      request_.awaitsContinue = false;
      if (readBody(in) && body_.done()) finishBody();
      break;
    case Incoming::kTunnel: readBody(in); break;
    case Incoming::kDiscard: discard(in); break;
    case Incoming::kBetween:
    case Incoming::kDone:  // waits
    case Incoming::kIdle:
    case Incoming::kClosed: break;
  }
}

void ServerCodec::readHead(Slice& in) {
  std::string_view rest = in.view();
  const HeadScanner::Status status = scanner_.feed(rest);
  in.removePrefix(in.size() - rest.size());
  if (status == HeadScanner::Status::kFault) refuse(scanner_.fault());
  if (status == HeadScanner::Status::kComplete) openRequest();
}

void ServerCodec::openRequest() {
  ParsedRequest request;
  auto fault = parseRequest(scanner_.lines(), limits_, request);
  if (!fault) fault = body_.start(scanner_.section(), request);
  if (fault) {
    refuse(*fault);
    return;
  }
  scanner_.restart();
  // What follows a request in two phases is told apart by the peer's 100 alone: nothing is to be taken for another request.
  if (!request.framing.keepAlive || request.head.secondBody) makeLast();
  request_ = {.http10 = request.head.version == Version::kHttp10,
              .head = request.head.method == "HEAD",
              .upgrade = !request.head.upgrade.empty(),
              .awaitsContinue = request.expectContinue,
              .secondBody = request.head.secondBody};
  incoming_.to(Incoming::kBody);
  openStream(nullptr);
  Receiver* receiver = owner_.onRequest(stream_, std::move(request.head));
  if (!hasStream()) return;
  receiver_ = receiver;
  if (body_.done()) finishIncoming();
}

void ServerCodec::finishBody() {
  if (!std::exchange(request_.secondBody, false)) {
    finishIncoming();
    return;
  }
  incoming_.to(Incoming::kBetween);
  body_.takeTrailers();  // of the first of two bodies nobody wants any
  receiver_->onBodyEnd();
}

// The answer is the owner's; after it the connection ends, for nobody knows where the next request begins.
void ServerCodec::refuse(const Fault& fault) {
  makeLast();
  stopReading();
  request_ = {};
  openStream(nullptr);
  Receiver* receiver = owner_.onBadRequest(stream_, fault.status, fault.detail);
  if (!hasStream()) return;
  receiver_ = receiver;
  receiver->onEnd();
}

// The stream was reset; if no answer had begun, the client is owed one.
void ServerCodec::onFault(bool answered) {
  if (!answered) out_.text("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
}

void ServerCodec::discard(Slice& in) {
  const size_t before = in.size();
  while (!body_.next(in).empty()) {
  }
  discarded_ += before - in.size();
  if (!body_.done() && body_.fault() == nullptr && discarded_ <= kMaxDiscard) return;
  stopReading();
  owner_.onOutputReady();
}

bool ServerCodec::wantsRead() const { return !incoming_.is(Incoming::kClosed) && !input_.ended() && roomForInput(); }

void ServerCodec::receiveEof() {
  if (input_.ended()) return;
  input_.end();
  switch (incoming_.now()) {
    case Incoming::kBody:
    case Incoming::kBetween:  // the other body was promised
      breakOffRequest();
      break;
    case Incoming::kDiscard: stopReading(); break;
    // kDone: the client said all it had to say and waits for the answer: legal (faults C9). Requests it had
    // pipelined before are still served: afterOutput() goes on with the input that waits.
    default: settle();
  }
}

void ServerCodec::breakOffRequest() {
  endOfBody();
  breakOff(ResetReason::kConnectionClosed, "end of file in the middle of a request");
}

/// What follows from there being no more input.
void ServerCodec::settle() {
  if (!input_.empty()) return;
  // A request that was pipelined, and begun after the end had come.
  if (input_.ended() && incoming_.is(Incoming::kBody, Incoming::kBetween) && !body_.done()) {
    breakOffRequest();
    return;
  }
  if (incoming_.is(Incoming::kTunnel) && input_.ended()) {
    endTunnelInput();
    if (out_.empty()) outputLeft();
    owner_.onOutputReady();
  } else if (incoming_.is(Incoming::kHead)) {
    const bool none = input_.ended() || (!life_.is(Life::kOpen) && !scanner_.started());
    if (none) close();
  }
}

bool ServerCodec::finished() const {
  return over() && incoming_.is(Incoming::kClosed) && !hasStream() && out_.empty();
}

bool ServerCodec::outputEnded() const {
  return out_.empty() && (incoming_.is(Incoming::kDiscard) || tunnelHalfClosed());
}

void ServerCodec::drain() {
  makeLast();
  settle();
  owner_.onOutputReady();
}

// --- output ---------------------------------------------------------------------------------------------

void ServerCodec::sendInformational(const ResponseHead& head) {
  if (!hasStream() || request_.http10) return;
  PP_ASSERT(outgoing_.is(Outgoing::kHead) && head.status >= 100 && head.status < 200 && head.status != 101);
  if (head.status == 100) {
    request_.awaitsContinue = false;
    if (incoming_.is(Incoming::kBetween)) {
      incoming_.to(Incoming::kBody);
      body_.startSecond();
    }
  }
  writeInformationalHead(out_, head);
  owner_.onOutputReady();
}

void ServerCodec::sendHeaders(const ResponseHead& head, bool end) {
  if (!hasStream()) return;
  PP_ASSERT(outgoing_.is(Outgoing::kHead));
  const bool tunnel = head.status == 101 && request_.upgrade;
  PP_ASSERT(tunnel || head.status >= 200);
  if (incoming_.is(Incoming::kBetween)) incoming_.to(Incoming::kDone);
  // An error before the request's end most likely ends the exchange early: then the client must know that
  // the connection will not be reused.
  const bool requestOpen = incoming_.is(Incoming::kBody) && !body_.done();
  if (requestOpen && (end || head.status >= 300)) makeLast();
  const bool last = !life_.is(Life::kOpen) || (input_.ended() && input_.empty());
  const SendFraming framing = writeResponseHead(out_, head, {request_.http10, request_.head, !last}, end);
  if (framing.kind == SendKind::kUntilClose) makeLast();
  if (tunnel && !incoming_.is(Incoming::kDone)) {
    // Bytes of the request's body would be taken for the tunnel's (faults B11).
    outgoing_.to(Outgoing::kSpoiled);
    owner_.onOutputReady();
    return;
  }
  if (tunnel) startTunnel();
  beginMessage(framing, end);
}

void ServerCodec::startTunnel() {
  life_.to(Life::kTunnel);
  incoming_.to(Incoming::kTunnel);
  body_.becomeTunnel();
}

void ServerCodec::afterOutput() {
  if (outgoing_.is(Outgoing::kSent)) answerIsOut();
  if (!incoming_.is(Incoming::kClosed) && !input_.empty()) process();
  settle();
}

void ServerCodec::answerIsOut() {
  switch (incoming_.now()) {
    case Incoming::kDone:
      if (life_.is(Life::kOpen)) {
        incoming_.to(Incoming::kHead);
      } else {
        close();
      }
      break;
    case Incoming::kBody: endEarly(); break;
    case Incoming::kTunnel: return;  // the client's direction is still open
    default: close();                // a refused request, or both directions of a tunnel have ended
  }
  closeStream();
}

void ServerCodec::endEarly() {
  // A client that waits for 100 (Continue) sends no body.
  if (request_.awaitsContinue || input_.ended()) {
    close();
    return;
  }
  life_.to(Life::kClosing);
  incoming_.to(Incoming::kDiscard);
  discarded_ = 0;
}

}  // namespace peerpulse::http::h1

namespace peerpulse::http {

std::unique_ptr<Codec> createH1ServerCodec(ServerCodecOwner& owner, const CodecLimits& limits) {
  return std::make_unique<h1::ServerCodec>(owner, limits);
}

}  // namespace peerpulse::http
