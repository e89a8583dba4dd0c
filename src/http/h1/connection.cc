#include "connection.h"

#include <utility>

#include "peerpulse/base/assert.h"

namespace peerpulse::http::h1 {

// --- what streams ask for -------------------------------------------------------------------------------

void Connection::sendData(H1Stream& stream, Slice data) {
  if (stream.gone || broken_) return;
  PP_ASSERT(stream.headersSent && !stream.ended);
  if (writer_.kind() == SendKind::kNone) {
    stream.bodyBytesSent += data.size();
  } else {
    writer_.data(out_, std::move(data));
  }
  owner_.onOutputReady();
}

void Connection::sendEnd(H1Stream& stream, const HeaderList& trailers) {
  if (stream.gone || broken_) return;
  PP_ASSERT(stream.headersSent && !stream.ended);
  stream.ended = true;
  writer_.end(out_, trailers);
  owner_.onOutputReady();
}

void Connection::consumed(H1Stream& stream, size_t n) {
  if (stream.gone) return;
  PP_ASSERT(n <= stream.unconsumed);
  const bool before = roomForInput();
  stream.unconsumed -= n;
  // The owner asks wantsRead() again when it is called for output.
  if (!before && roomForInput()) owner_.onOutputReady();
}

void Connection::reset(H1Stream& stream) {
  if (stream.gone) return;
  const Busy busy(*this);
  stream.gone = true;
  stream.receiver = nullptr;
  if (stream_.get() == &stream) graveyard_.push_back(std::move(stream_));
  breakOff(ResetReason::kCancel, "reset by this side");
  owner_.onOutputReady();
}

// --- bytes ----------------------------------------------------------------------------------------------

Result<void> Connection::receiveBytes(Slice in) {
  if (!failure_.empty()) return Error{failure_};
  if (broken_) return {};
  backlog_.append(std::move(in));
  process();
  if (!failure_.empty()) return Error{failure_};
  return {};
}

void Connection::process() {
  if (processing_) return;  // the outer one goes on
  const Busy busy(*this);
  processing_ = true;
  while (!broken_ && hasInput()) {
    if (current_.empty()) current_ = backlog_.takeFront();
    const size_t before = current_.size();
    const bool more = step(current_);
    if (!more && current_.size() == before) break;
  }
  processing_ = false;
}

void Connection::produceBytes(Buffer& out, size_t limit) {
  const Busy busy(*this);
  do {
    size_t sent = out_.produce(out, limit);
    if (stream_ != nullptr) sent += std::exchange(stream_->bodyBytesSent, 0);
    if (sent > 0 && stream_ != nullptr && stream_->receiver != nullptr) stream_->receiver->onBodySent(sent);
    if (stream_ != nullptr && writer_.broken() && out_.empty() && stream_->headersSent) {
      breakOff(ResetReason::kInternal, "body differs from its content-length");
    } else if (out_.empty() && !broken_) {
      afterOutput();  // may serve the next request that waits, whose answer goes out as well
    }
  } while (out.size() < limit && !out_.empty());
}

bool Connection::roomForInput() const {
  if (broken_) return false;
  const size_t held = (stream_ != nullptr ? stream_->unconsumed : 0) + current_.size() + backlog_.size();
  return held < limits_.streamWindow;
}

bool Connection::readBody(Slice& in) {
  std::vector<Slice> pieces;
  body_.feed(in, pieces);
  H1Stream* stream = stream_.get();
  for (Slice& piece : pieces) {
    if (stream_.get() != stream || stream == nullptr || stream->gone) return false;
    stream->unconsumed += piece.size();
    stream->receiver->onData(std::move(piece));
  }
  if (broken_) return false;
  if (body_.fault()) {
    fail(body_.fault()->detail);
    return false;
  }
  return true;
}

void Connection::finishIncoming() {
  H1Stream* stream = stream_.get();
  HeaderList trailers = body_.takeTrailers();
  if (!trailers.empty()) stream->receiver->onTrailers(std::move(trailers));
  if (stream->gone) return;
  stream->incomingDone = true;
  stream->receiver->onEnd();
}

// --- the end --------------------------------------------------------------------------------------------

void Connection::closeStream() {
  const Busy busy(*this);
  H1Stream* stream = stream_.get();
  stream->gone = true;
  Receiver* receiver = std::exchange(stream->receiver, nullptr);
  graveyard_.push_back(std::move(stream_));
  if (receiver != nullptr) receiver->onClosed();
}

void Connection::breakOff(ResetReason reason, std::string_view detail) {
  const Busy busy(*this);
  broken_ = true;
  keepAlive_ = false;
  out_.clear();
  backlog_.clear();  // current_ may be on the stack of process(), which stops by broken_
  if (stream_ == nullptr) return;
  stream_->gone = true;
  Receiver* receiver = std::exchange(stream_->receiver, nullptr);
  graveyard_.push_back(std::move(stream_));
  if (receiver != nullptr) receiver->onReset(reason, detail);
}

void Connection::fail(std::string_view detail) {
  failure_ = detail;
  const bool answered = stream_ != nullptr && stream_->headersSent;
  breakOff(ResetReason::kProtocol, detail);
  onFault(answered);
}

}  // namespace peerpulse::http::h1
