#include "client_codec.h"

#include <memory>
#include <utility>

#include "../websocket.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::http::h1 {
namespace {

constexpr int kMaxInformational = 16;  // faults C6

}  // namespace

ClientStream::ClientStream(ClientCodec& codec) : StreamOf<RequestStream>(codec), codec_(codec) {}

void ClientStream::sendHeaders(const RequestHead& head, bool end) { codec_.sendHeaders(head, end); }

void ClientStream::sendBodyEnd() { codec_.sendBodyEnd(); }

void ClientStream::reset(ResetReason reason) {
  if (codec_.forget() || (reason == ResetReason::kNoError && codec_.leaveEnded())) return;
  StreamOf<RequestStream>::reset(reason);
}

void ClientStream::allow(size_t bytes) { codec_.allow(bytes); }

ClientCodec::ClientCodec(ClientCodecOwner& owner, const CodecLimits& limits)
    : Connection(owner, limits, Incoming::kIdle),
      owner_(owner),
      scanner_(HeadScanner::Kind::kResponse, limits_),
      stream_(*this) {}

RequestStream& ClientCodec::openStream(ResponseReceiver& receiver) {
  PP_ASSERT(canOpenStream());
  Connection::openStream(&receiver);
  limitInput(limits_.firstWindow);
  response_ = &receiver;
  informational_ = 0;
  scanner_.restart();
  incoming_.to(Incoming::kHead);
  return stream_;
}

bool ClientCodec::forget() {
  if (!outgoing_.is(Outgoing::kHead)) return false;
  detach();
  if (life_.is(Life::kOpen)) {
    incoming_.to(Incoming::kIdle);
  } else {
    close();
  }
  owner_.onOutputReady();
  return true;
}

bool ClientCodec::leaveEnded() {
  const bool ended = outgoing_.is(Outgoing::kEnded, Outgoing::kSent);
  if (!life_.is(Life::kTunnel) || !incoming_.is(Incoming::kClosed) || !ended) return false;
  detach();
  close();
  owner_.onOutputReady();
  return true;
}

void ClientCodec::sendHeaders(const RequestHead& head, bool end) {
  if (!hasStream()) return;
  PP_ASSERT(outgoing_.is(Outgoing::kHead));
  asked_ = {.head = head.method == "HEAD",
            .upgrade = !head.upgrade.empty(),
            .extended = !head.upgrade.empty() && head.method == "CONNECT"};
  if (asked_.extended) end = true;  // what follows is the tunnel's, once there is one
  if (head.secondBody) makeLast();  // a peer that is not of one mind with us about its end reads nothing behind it
  beginMessage(writeRequestHead(out_, head, end), end);
}

// The writer's framing stays: what follows is chunked again.
void ClientCodec::sendBodyEnd() {
  if (outgoing_.is(Outgoing::kNone, Outgoing::kSpoiled)) return;
  PP_ASSERT(outgoing_.is(Outgoing::kBody));
  if (!writer_.end(out_, HeaderList())) outgoing_.to(Outgoing::kSpoiled);
  owner_.onOutputReady();
}

void ClientCodec::drain() {
  makeLast();
  if (!hasStream() && !over()) close();
  owner_.onOutputReady();
}

// --- input ----------------------------------------------------------------------------------------------

Result<void> ClientCodec::receive(Slice in) {
  // Bytes that answer no request would be taken for the next one's answer (faults C13).
  if (incoming_.is(Incoming::kIdle) && !in.empty()) fail("bytes on an idle connection");
  return receiveBytes(std::move(in));
}

void ClientCodec::step(Slice& in) {
  switch (incoming_.now()) {
    case Incoming::kHead:
      if (outgoing_.is(Outgoing::kHead)) {
        fail("response before the request");
      } else {
        readHead(in);
      }
      break;
    case Incoming::kBody:
      if (readBody(in) && body_.done()) endResponse();
      break;
    case Incoming::kTunnel: readBody(in); break;
    case Incoming::kIdle: fail("bytes after the response"); break;
    case Incoming::kBetween:
    case Incoming::kDone:
    case Incoming::kDiscard:
    case Incoming::kClosed: break;
  }
}

void ClientCodec::readHead(Slice& in) {
  std::string_view rest = in.view();
  const HeadScanner::Status status = scanner_.feed(rest);
  in.removePrefix(in.size() - rest.size());
  if (status == HeadScanner::Status::kFault) fail(scanner_.fault().detail);
  if (status == HeadScanner::Status::kComplete) openResponse();
}

void ClientCodec::openResponse() {
  ParsedResponse response;
  auto fault = parseResponse(scanner_.lines(), limits_, asked_, response);
  if (!fault) fault = body_.start(scanner_.section(), response);
  if (fault) {
    fail(fault->detail);
    return;
  }
  scanner_.restart();
  const int status = response.head.status;
  if (status < 200 && status != 101) {
    informational(std::move(response.head));
    return;
  }
  if (status == 101) {
    if (!outgoing_.is(Outgoing::kSent)) {
      fail("101 before the end of the request");
      return;
    }
    life_.to(Life::kTunnel);
    incoming_.to(Incoming::kTunnel);
    outgoing_.to(Outgoing::kBody);
    writer_.start({SendKind::kTunnel, 0});
    if (asked_.extended) response.head.headers.remove(kWebSocketAccept);  // the key was ours
  } else {
    if (!response.framing.keepAlive) makeLast();
    incoming_.to(Incoming::kBody);
  }
  response_->onHeaders(std::move(response.head));
  if (incoming_.is(Incoming::kBody) && body_.done()) endResponse();
}

void ClientCodec::informational(ResponseHead&& head) {
  if (++informational_ > kMaxInformational) {
    fail("too many informational responses");
  } else {
    response_->onInformational(std::move(head));
  }
}

void ClientCodec::endResponse() {
  finishIncoming();
  if (incoming_.is(Incoming::kDone)) closeExchange();
}

// The response is complete, which ends the exchange even if the request is not all sent: then only the
// connection is lost.
void ClientCodec::closeExchange() {
  if (!outgoing_.is(Outgoing::kSent)) {
    makeLast();
    out_.clear();
  }
  if (!input_.empty()) makeLast();  // bytes that answer nothing
  if (life_.is(Life::kOpen)) {
    incoming_.to(Incoming::kIdle);
  } else {
    close();
  }
  closeStream();
  owner_.onCapacityChanged();
  owner_.onOutputReady();
}

void ClientCodec::receiveEof() {
  if (input_.ended()) return;
  input_.end();
  makeLast();
  switch (incoming_.now()) {
    case Incoming::kTunnel:
      endTunnelInput();
      if (out_.empty()) outputLeft();
      break;
    case Incoming::kIdle: close(); break;
    case Incoming::kHead: breakOff(ResetReason::kConnectionClosed, "end of file before a response"); break;
    case Incoming::kBody:
      endOfBody();
      if (!incoming_.is(Incoming::kBody)) break;
      if (body_.endOfFile()) {
        endResponse();
      } else {
        breakOff(ResetReason::kConnectionClosed, "end of file in the middle of a response");
      }
      break;
    case Incoming::kBetween:
    case Incoming::kDone:
    case Incoming::kDiscard:
    case Incoming::kClosed: break;
  }
}

// What had come of an answer by then was the peer's word.
// --- output ---------------------------------------------------------------------------------------------

void ClientCodec::afterOutput() {
  const bool tunnelEnded =
      life_.is(Life::kTunnel) && incoming_.is(Incoming::kClosed) && outgoing_.is(Outgoing::kSent);
  if (tunnelEnded) closeExchange();
}

}  // namespace peerpulse::http::h1

namespace peerpulse::http {

std::unique_ptr<ClientCodec> createH1ClientCodec(ClientCodecOwner& owner, const CodecLimits& limits) {
  return std::make_unique<h1::ClientCodec>(owner, limits);
}

}  // namespace peerpulse::http
