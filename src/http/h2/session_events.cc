// Session: what nghttp2 reports. Receivers are told later (stream_table.cc).
#include <algorithm>
#include <string>
#include <utility>

#include "error_code.h"
#include "peerpulse/base/assert.h"
#include "session.h"

namespace peerpulse::http::h2 {
namespace {

/// Smaller pieces are copied: a slice of a few bytes would keep its whole read block alive, and a peer that
/// dribbles tiny DATA frames could pin a block for each (faults A6).
constexpr size_t kCopyBelow = 2048;

uint32_t increment(const nghttp2_frame& frame) {
  return static_cast<uint32_t>(frame.window_update.window_size_increment);
}

bool endsStream(const nghttp2_frame_hd& head) { return (head.flags & NGHTTP2_FLAG_END_STREAM) != 0; }

/// Resets that the peer made us send (A2), as against those our own side wanted.
bool blamesPeer(uint32_t errorCode) {
  return errorCode == NGHTTP2_PROTOCOL_ERROR || errorCode == NGHTTP2_FLOW_CONTROL_ERROR ||
         errorCode == NGHTTP2_STREAM_CLOSED || errorCode == NGHTTP2_FRAME_SIZE_ERROR;
}

}  // namespace

int Session::onBeginFrame(const nghttp2_frame_hd& head) {
  continuations_ = head.type == NGHTTP2_CONTINUATION ? continuations_ + 1 : 0;
  if (continuations_ > kMaxContinuations) return endAsFlood("continuation");
  joiner_.clear();  // of a frame that was broken off
  frameLeft_ = 0;
  const bool ack = (head.flags & NGHTTP2_FLAG_ACK) != 0;
  switch (head.type) {
    case NGHTTP2_DATA:
      dataOf_ = head.stream_id;
      frameLeft_ = head.length;
      if (head.length == 0 && !endsStream(head)) return spend(Glitch::kEmptyData);
      budgets_.dataReceived();
      return 0;
    case NGHTTP2_HEADERS: blockReceived_ = head.length; return onHeadersFrame(head);
    case NGHTTP2_CONTINUATION: blockReceived_ += head.length; return 0;
    case NGHTTP2_PRIORITY:
      // nghttp2 looks at none (SETTINGS_NO_RFC7540_PRIORITIES).
      if (head.stream_id == 0) return endWith(NGHTTP2_PROTOCOL_ERROR, "PRIORITY without a stream");
      return spend(Glitch::kPriority);
    case NGHTTP2_WINDOW_UPDATE: return spend(Glitch::kWindowUpdate);
    // Of a server each of our requests may have one; those of streams that are over are for nothing.
    case NGHTTP2_RST_STREAM:
      return side_ == Side::kServer || find(head.stream_id) == nullptr ? spend(Glitch::kReset) : 0;
    case NGHTTP2_PING: return ack ? 0 : spend(Glitch::kPing);
    case NGHTTP2_SETTINGS: return ack ? 0 : spend(Glitch::kSettings);
    case NGHTTP2_GOAWAY: return spend(Glitch::kGoAway);
    default: return 0;
  }
}

int Session::spend(Glitch kind) { return budgets_.take(kind) ? 0 : endAsFlood(toString(kind)); }

size_t Session::blockExcess() const { return HeadRoom::excessOf(block_->used().size - blockBegan_, blockReceived_); }

int Session::onHeader(std::string_view name, std::string_view value) {
  if (blockOf_ == nullptr) return 0;
  if (block_->add(name, value) == AddResult::kOk) {
    if (!block_->tooLarge() && !headRoom_.fits(blockExcess())) block_->refuse();
    return 0;
  }
  lastProblem_ = "header section far over the limit";
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

int Session::onFrame(const nghttp2_frame& frame) {
  if (frame.hd.stream_id == 0) {
    if (frame.hd.type == NGHTTP2_WINDOW_UPDATE) onConnectionWindow(increment(frame));
    if (frame.hd.type == NGHTTP2_SETTINGS) onSettings((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0);
    return onConnectionFrame(frame);
  }
  H2Stream* stream = find(frame.hd.stream_id);
  if (stream == nullptr) return 0;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      if (blockOf_ == stream && !onHeaders(*stream, frame)) break;
      if (endsStream(frame.hd)) markEnd(*stream);
      break;
    case NGHTTP2_DATA:
      queueJoined();  // only what padding was taken for: the last bytes had come
      if (endsStream(frame.hd)) markEnd(*stream);
      break;
    case NGHTTP2_WINDOW_UPDATE: onStreamWindow(*stream, increment(frame)); break;
    case NGHTTP2_RST_STREAM: stream->rstReceived = true; break;
    default: break;
  }
  return 0;
}

void Session::markEnd(H2Stream& stream) {
  if (!stream.incoming.is(Incoming::kBody)) return;  // nghttp2 refuses a message without head or with two ends
  stream.incoming.to(Incoming::kDone);
  budgets_.message();
  queue(Notification::Kind::kEnd, &stream);
}

int Session::onData(int32_t id, const uint8_t* at, size_t size) {
  nghttp2_session_consume_connection(session_, size);
  frameLeft_ -= std::min(frameLeft_, size);
  H2Stream* stream = find(id);
  if (stream == nullptr || !stream->hold.is(Hold::kOpen)) {
    joiner_.clear();
    return 0;
  }
  PP_ASSERT(input_ != nullptr);
  for (Slice& piece : joiner_.take(input_->subAt(at, size), frameLeft_)) {
    if (!piece.empty()) queueData(*stream, std::move(piece));
  }
  return 0;
}

void Session::queueJoined() {
  if (joiner_.empty()) return;
  Slice piece = joiner_.finish();
  H2Stream* stream = find(dataOf_);
  if (stream != nullptr && stream->hold.is(Hold::kOpen)) queueData(*stream, std::move(piece));
}

void Session::queueData(H2Stream& stream, Slice piece) {
  queue(Notification::Kind::kData, &stream).data =
      piece.size() < kCopyBelow ? Slice::copyOf(piece.view()) : std::move(piece);
}

int Session::onFrameSent(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY && frame.goaway.error_code != NGHTTP2_NO_ERROR) {
    std::string text(reinterpret_cast<const char*>(frame.goaway.opaque_data), frame.goaway.opaque_data_len);
    if (text.empty()) text = lastProblem_;
    if (text.empty()) text = nghttp2_http2_strerror(frame.goaway.error_code);
    giveUp(ResetReason::kProtocol, text);
    return 0;
  }
  if (frame.hd.type == NGHTTP2_RST_STREAM) onResetFrameSent(frame);
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return 0;
  if (frame.hd.type == NGHTTP2_DATA) budgets_.dataSent(frame.hd.length);
  H2Stream* stream = find(frame.hd.stream_id);
  if (stream == nullptr) return 0;
  if (frame.hd.type == NGHTTP2_HEADERS) openWindow(*stream);
  if (!endsStream(frame.hd)) return 0;
  stream->outgoing.to(Outgoing::kSent);
  budgets_.message();
  if (side_ == Side::kServer && !stream->incoming.is(Incoming::kDone) && stream->tunnel.empty()) {
    // Complete answer to an unfinished request: ask for no more of it (RFC 9113 8.1).
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
  }
  return 0;
}

void Session::onResetFrameSent(const nghttp2_frame& frame) {
  // What our user wants said is another's word, passed on.
  const H2Stream* stream = find(frame.hd.stream_id);
  const bool wanted = stream != nullptr && stream->hold.is(Hold::kForsaken);
  if (!wanted && blamesPeer(frame.rst_stream.error_code) && spend(Glitch::kReset) != 0) {
    nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
  }
  onResetSent(frame.hd.stream_id);
}

int Session::onClose(int32_t id, uint32_t errorCode) {
  onStreamClosed(id);
  H2Stream* stream = find(id);
  if (stream == nullptr) return 0;
  const bool received = stream->incoming.is(Incoming::kDone);
  const bool sent = stream->outgoing.is(Outgoing::kSent);
  const bool answered = side_ == Side::kServer ? sent : received;
  if ((received && sent) || (answered && errorCode == NGHTTP2_NO_ERROR)) {
    budgets_.streamDone();
    closeInOrder(*stream);
    return 0;
  }
  std::string text(nghttp2_http2_strerror(errorCode));
  if (stream->rstReceived) {
    text.insert(0, "RST_STREAM received: ");
  } else if (errorCode == NGHTTP2_REFUSED_STREAM) {
    text = "not processed: the connection is going away";
  } else {
    text.insert(0, "stream error: ");
    if (!lastProblem_.empty()) text.append(": ").append(lastProblem_);
  }
  const ResetReason reason = stream->rstReceived ? receivedReason(errorCode) : reasonOf(errorCode);
  closeStream(*stream, reason, std::move(text));
  return 0;
}

}  // namespace peerpulse::http::h2
