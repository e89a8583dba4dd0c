#include "connection.h"

#include <utility>

#include "peerpulse/base/assert.h"

namespace peerpulse::http::h1 {

// --- what the stream asks for ---------------------------------------------------------------------------

void Connection::openStream(Receiver* receiver) {
  outgoing_.to(Outgoing::kHead);
  receiver_ = receiver;
  joiner_.clear();
}

void Connection::beginMessage(SendFraming framing, bool end) {
  writer_.start(framing);
  outgoing_.to(Outgoing::kBody);
  if (end) endMessage(HeaderList());
  owner_.onOutputReady();
}

void Connection::sendData(Slice data) {
  if (outgoing_.is(Outgoing::kNone, Outgoing::kSpoiled)) return;
  PP_ASSERT(outgoing_.is(Outgoing::kBody));
  if (!writer_.hasBody()) {
    droppedBody_ += data.size();
  } else if (!writer_.data(out_, std::move(data))) {
    outgoing_.to(Outgoing::kSpoiled);
  }
  owner_.onOutputReady();
}

void Connection::sendEnd(const HeaderList& trailers) {
  if (outgoing_.is(Outgoing::kNone, Outgoing::kSpoiled)) return;
  PP_ASSERT(outgoing_.is(Outgoing::kBody));
  endMessage(trailers);
  owner_.onOutputReady();
}

void Connection::endMessage(const HeaderList& trailers) {
  outgoing_.to(writer_.end(out_, trailers) ? Outgoing::kEnded : Outgoing::kSpoiled);
}

void Connection::consumed(size_t n) {
  if (!hasStream()) return;
  PP_ASSERT(n <= unconsumed_);
  const bool before = roomForInput();
  unconsumed_ -= n;
  // The owner asks wantsRead() again when it is called for output.
  if (!before && roomForInput()) owner_.onOutputReady();
}

void Connection::allow(size_t bytes) {
  if (!hasStream() || bytes <= inputLimit_) return;
  const bool before = roomForInput();
  limitInput(bytes);
  if (!before && roomForInput()) owner_.onOutputReady();  // as above
}

void Connection::reset() {
  if (!hasStream()) return;
  detach();
  breakOff(ResetReason::kCancel, "reset by this side");
  owner_.onOutputReady();
}

// --- bytes ----------------------------------------------------------------------------------------------

Result<void> Connection::receiveBytes(Slice in) {
  if (!failure_.empty()) return Error{failure_};
  if (incoming_.is(Incoming::kClosed)) return {};  // what follows is no longer read
  input_.append(std::move(in));
  process();
  if (!failure_.empty()) return Error{failure_};
  return {};
}

void Connection::process() {
  if (processing_) return;  // the outer one goes on
  processing_ = true;
  while (!incoming_.is(Incoming::kClosed) && !input_.empty()) {
    Slice& in = input_.front();
    const size_t before = in.size();
    const Incoming was = incoming_.now();
    step(in);
    if (in.size() == before && incoming_.is(was)) break;
  }
  processing_ = false;
}

void Connection::produceBytes(Buffer& out, size_t limit) {
  do {
    const size_t sent = out_.produce(out, limit) + std::exchange(droppedBody_, 0);
    if (sent > 0 && receiver_ != nullptr) receiver_->onBodySent(sent);
    if (!out_.empty()) continue;
    if (outgoing_.is(Outgoing::kSpoiled)) {
      breakOff(ResetReason::kInternal, "body differs from its content-length");
    } else if (!life_.is(Life::kBroken)) {
      outputLeft();  // may serve the next request that waits, whose answer goes out as well
    }
  } while (out.size() < limit && !out_.empty());
}

void Connection::outputLeft() {
  if (outgoing_.is(Outgoing::kEnded)) outgoing_.to(Outgoing::kSent);
  afterOutput();
}

bool Connection::roomForInput() const { return unconsumed_ + input_.size() < inputLimit_; }

bool Connection::readBody(Slice& in) {
  const Incoming reading = incoming_.now();
  for (Slice piece = body_.next(in); !piece.empty(); piece = body_.next(in)) {
    for (Slice& part : joiner_.take(std::move(piece), body_.committed())) {
      if (!deliver(std::move(part), reading)) return false;
    }
  }
  if (body_.fault() == nullptr) return true;
  fail(body_.fault()->detail);
  return false;
}

bool Connection::deliver(Slice piece, Incoming reading) {
  if (piece.empty()) return true;
  unconsumed_ += piece.size();
  receiver_->onData(std::move(piece));
  return incoming_.is(reading);
}

void Connection::endOfBody() {
  if (!joiner_.empty()) deliver(joiner_.finish(), incoming_.now());
}

void Connection::finishIncoming() {
  incoming_.to(Incoming::kDone);
  HeaderList trailers = body_.takeTrailers();
  if (!trailers.empty()) receiver_->onTrailers(std::move(trailers));
  // Who answered the trailers with 101 would take the message's end for the tunnel's.
  if (receiver_ != nullptr && incoming_.is(Incoming::kDone)) receiver_->onEnd();
}

void Connection::endTunnelInput() {
  body_.endOfFile();
  stopReading();
  receiver_->onEnd();
}

// --- the end --------------------------------------------------------------------------------------------

void Connection::stopReading() {
  if (!incoming_.is(Incoming::kClosed)) incoming_.to(Incoming::kClosed);
  input_.clear();
}

void Connection::close() {
  if (!over()) life_.to(Life::kClosing);
  stopReading();
}

Receiver* Connection::detach() {
  if (hasStream()) outgoing_.to(Outgoing::kNone);
  unconsumed_ = droppedBody_ = 0;  // nobody will give that back
  return std::exchange(receiver_, nullptr);
}

void Connection::closeStream() {
  Receiver* receiver = detach();
  if (receiver != nullptr) receiver->onClosed();
}

void Connection::breakOff(ResetReason reason, std::string_view detail) {
  if (!life_.is(Life::kBroken)) life_.to(Life::kBroken);
  out_.clear();
  stopReading();
  Receiver* receiver = detach();
  if (receiver != nullptr) receiver->onReset(reason, detail);
}

void Connection::lose(std::string_view detail) {
  if (incoming_.is(Incoming::kBody)) endOfBody();
  breakOff(ResetReason::kConnectionClosed, detail);
}

void Connection::fail(std::string_view detail) {
  failure_ = detail;
  const bool answered = hasStream() && !outgoing_.is(Outgoing::kHead);
  breakOff(ResetReason::kProtocol, detail);
  onFault(answered);
}

}  // namespace peerpulse::http::h1
