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
constexpr size_t kMaxSentFrame = size_t{64} * 1024;
constexpr size_t kUsefulPerMessage = 8;

bool endsStream(const nghttp2_frame_hd& head) { return (head.flags & NGHTTP2_FLAG_END_STREAM) != 0; }

/// Resets that the peer made us send (A2), as against those our own side wanted.
bool blamesPeer(uint32_t errorCode) {
  return errorCode == NGHTTP2_PROTOCOL_ERROR || errorCode == NGHTTP2_FLOW_CONTROL_ERROR ||
         errorCode == NGHTTP2_STREAM_CLOSED || errorCode == NGHTTP2_FRAME_SIZE_ERROR;
}

}  // namespace

int Session::onBeginFrame(const nghttp2_frame_hd& head) {
  continuations_ = head.type == NGHTTP2_CONTINUATION ? continuations_ + 1 : 0;
  if (continuations_ > kMaxContinuations) {
    lastProblem_ = "flood of CONTINUATION frames";
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  bool glitch =
      head.type == NGHTTP2_PRIORITY || head.type == NGHTTP2_WINDOW_UPDATE || head.type > NGHTTP2_CONTINUATION;
  if (head.type == NGHTTP2_DATA) {
    glitch = head.length == 0 && !endsStream(head);
    if (!glitch) glitches_.useful(1);
  }
  if (!glitch || glitches_.glitch()) return 0;
  lastProblem_ = "flood of useless frames";
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

int Session::onHeader(std::string_view name, std::string_view value) {
  if (blockOf_ == nullptr || block_->add(name, value) == AddResult::kOk) return 0;
  lastProblem_ = "header section far over the limit";
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

int Session::onFrame(const nghttp2_frame& frame) {
  if (frame.hd.stream_id == 0) {
    onConnectionFrame(frame);
    return 0;
  }
  H2Stream* stream = find(frame.hd.stream_id);
  if (stream == nullptr) return 0;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      if (blockOf_ == stream && !onHeaders(*stream, frame)) break;
      if (endsStream(frame.hd)) markEnd(*stream);
      break;
    case NGHTTP2_DATA:
      if (endsStream(frame.hd)) markEnd(*stream);
      break;
    case NGHTTP2_RST_STREAM: stream->rstReceived = true; break;
    default: break;
  }
  return 0;
}

void Session::markEnd(H2Stream& stream) {
  if (!stream.incoming.is(Incoming::kBody)) return;  // nghttp2 refuses a message without head or with two ends
  stream.incoming.to(Incoming::kDone);
  glitches_.useful(kUsefulPerMessage);
  queue(Notification::Kind::kEnd, &stream);
}

int Session::onData(int32_t id, const uint8_t* at, size_t size) {
  nghttp2_session_consume_connection(session_, size);
  H2Stream* stream = find(id);
  if (stream == nullptr || !stream->hold.is(Hold::kOpen)) return 0;
  PP_ASSERT(input_ != nullptr);
  queue(Notification::Kind::kData, stream).data =
      size < kCopyBelow ? Slice::copyOf({reinterpret_cast<const char*>(at), size}) : input_->subAt(at, size);
  return 0;
}

int Session::onFrameSent(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY && frame.goaway.error_code != NGHTTP2_NO_ERROR) {
    std::string text(reinterpret_cast<const char*>(frame.goaway.opaque_data), frame.goaway.opaque_data_len);
    if (text.empty()) text = lastProblem_;
    if (text.empty()) text = nghttp2_http2_strerror(frame.goaway.error_code);
    giveUp(ResetReason::kProtocol, text);
    return 0;
  }
  if (frame.hd.type == NGHTTP2_RST_STREAM && blamesPeer(frame.rst_stream.error_code) && !glitches_.glitch()) {
    nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
  }
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return 0;
  if (frame.hd.type == NGHTTP2_DATA) glitches_.useful(2);  // an honest peer answers with WINDOW_UPDATEs
  H2Stream* stream = find(frame.hd.stream_id);
  if (stream == nullptr || !endsStream(frame.hd)) return 0;
  stream->outgoing.to(Outgoing::kSent);
  if (side_ == Side::kServer && !stream->incoming.is(Incoming::kDone)) {
    // Complete answer to an unfinished request: ask for no more of it (RFC 9113 8.1).
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
  }
  return 0;
}

int Session::onClose(int32_t id, uint32_t errorCode) {
  H2Stream* stream = find(id);
  if (stream == nullptr) return 0;
  const bool received = stream->incoming.is(Incoming::kDone);
  const bool sent = stream->outgoing.is(Outgoing::kSent);
  const bool answered = side_ == Side::kServer ? sent : received;
  if ((received && sent) || (answered && errorCode == NGHTTP2_NO_ERROR)) {
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
  closeStream(*stream, reasonOf(errorCode), std::move(text));
  return 0;
}

// --- outgoing bodies ------------------------------------------------------------------------------------

ssize_t Session::readBody(int32_t id, size_t length, uint32_t* flags) {
  H2Stream* stream = find(id);
  if (stream == nullptr || !stream->hold.is(Hold::kOpen)) return NGHTTP2_ERR_DEFERRED;
  const bool ended = stream->outgoing.is(Outgoing::kEnded);
  if (stream->pending.empty() && !ended) {
    if (stream->outgoing.is(Outgoing::kBody)) stream->outgoing.to(Outgoing::kStarved);
    return NGHTTP2_ERR_DEFERRED;
  }
  if (output_->size() >= outputLimit_) return NGHTTP2_ERR_PAUSE;
  const size_t n = std::min(length, stream->pending.size());
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (ended && n == stream->pending.size()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (submitTrailers(*stream)) *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  }
  return static_cast<ssize_t>(n);
}

bool Session::submitTrailers(const H2Stream& stream) {
  if (stream.outTrailers.empty()) return false;
  FieldArray& trailers = fields();
  trailers.addTrailers(stream.outTrailers);
  return trailers.size() > 0 && nghttp2_submit_trailer(session_, stream.id, trailers.data(), trailers.size()) == 0;
}

int Session::sendBody(int32_t id, const uint8_t* frameHead, size_t length) {
  constexpr size_t kFrameHeadSize = 9;
  H2Stream* stream = find(id);
  // A reset since readBody() took the bytes away; its RST_STREAM is queued.
  if (stream == nullptr || stream->pending.size() < length) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  output_->append(std::string_view(reinterpret_cast<const char*>(frameHead), kFrameHeadSize));
  stream->pending.moveTo(*output_, length);
  if (length > 0) noteSent(*stream, length);
  return 0;
}

ssize_t Session::frameLength(int32_t connectionWindow, int32_t streamWindow, uint32_t maxFrame) const {
  const int64_t window = std::min(connectionWindow, streamWindow);
  return static_cast<ssize_t>(
      std::clamp<int64_t>(window, 1, static_cast<int64_t>(std::min<size_t>(maxFrame, kMaxSentFrame))));
}

}  // namespace peerpulse::http::h2
