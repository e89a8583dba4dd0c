// Session: outgoing bodies: how they are cut into DATA frames, and what the peer's windows have to do with it.
#include <algorithm>
#include <utility>

#include "../small_frame.h"
#include "peerpulse/base/assert.h"
#include "session.h"

namespace peerpulse::http::h2 {
namespace {

constexpr size_t kMaxSentFrame = size_t{64} * 1024;

}  // namespace

ssize_t Session::readBody(int32_t id, size_t length, uint32_t* flags) {
  H2Stream* stream = find(id);
  if (stream == nullptr || !stream->hold.is(Hold::kOpen, Hold::kLeft)) return NGHTTP2_ERR_DEFERRED;
  const bool ended = stream->outgoing.is(Outgoing::kEnded);
  if (stream->pending.empty() && !ended) {
    if (stream->outgoing.is(Outgoing::kBody)) stream->outgoing.to(Outgoing::kStarved);
    return NGHTTP2_ERR_DEFERRED;
  }
  if (output_->size() >= outputLimit_) return NGHTTP2_ERR_PAUSE;
  const size_t n = bodyFrame(*stream, length);
  if (n == 0 && !stream->pending.empty()) return NGHTTP2_ERR_DEFERRED;
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
  stream->uncredited += length;
  uncredited_ += length;
  if (stream->smallCut.is(SmallCut::kAllowed)) changeSmallCut(*stream, SmallCut::kNever);
  if (length > 0) noteSent(*stream, length);
  return 0;
}

ssize_t Session::frameLength(int32_t connectionWindow, int32_t streamWindow, uint32_t maxFrame) const {
  const int64_t window = std::min(connectionWindow, streamWindow);
  return static_cast<ssize_t>(
      std::clamp<int64_t>(window, 1, static_cast<int64_t>(std::min<size_t>(maxFrame, kMaxSentFrame))));
}

// --- windows --------------------------------------------------------------------------------------------

size_t Session::bodyFrame(H2Stream& stream, size_t room) {
  const size_t pending = stream.pending.size();
  size_t n = cutBody(pending, room);
  if (n < pending && n >= 2 * kSmallFrame) {
    const size_t after = windowLeft(stream) - n;
    if (after > 0 && after < kSmallFrame) n -= kSmallFrame - after;  // or a small frame would be all it has room for
  }
  const bool small = n < pending && (n < kSmallFrame || pending - n < kSmallFrame);
  if (!small || stream.smallCut.is(SmallCut::kAllowed) || !moreRoomIsOwed(stream)) return n;
  awaitWindow(stream);
  return 0;
}

size_t Session::windowLeft(const H2Stream& stream) const {
  const int32_t left = std::min(nghttp2_session_get_remote_window_size(session_),
                                nghttp2_session_get_stream_remote_window_size(session_, stream.id));
  return static_cast<size_t>(std::max(left, 0));
}

// Enough of what we sent is still to be given back. A peer whose whole window is tiny is not waited for.
bool Session::moreRoomIsOwed(const H2Stream& stream) const {
  const auto room = [](int32_t left, uint64_t owed) { return static_cast<uint64_t>(std::max(left, 0)) + owed; };
  const uint64_t enough = std::min(stream.pending.size(), 2 * kSmallFrame);
  return room(nghttp2_session_get_remote_window_size(session_), uncredited_) >= enough &&
         room(nghttp2_session_get_stream_remote_window_size(session_, stream.id), stream.uncredited) >= enough;
}

void Session::awaitWindow(H2Stream& stream) {
  if (stream.smallCut.is(SmallCut::kAwaited)) return;
  changeSmallCut(stream, SmallCut::kAwaited);
  stream.windowBarrier = askPeer();
}

void Session::changeSmallCut(H2Stream& stream, SmallCut next) {
  if (stream.smallCut.is(SmallCut::kAwaited)) --awaitingWindow_;
  stream.smallCut.to(next);
  if (next == SmallCut::kAwaited) ++awaitingWindow_;
}

void Session::onStreamWindow(H2Stream& stream, uint32_t n) {
  stream.uncredited -= std::min<uint64_t>(stream.uncredited, n);
  reconsider(stream);
}

void Session::onConnectionWindow(uint32_t n) {
  uncredited_ -= std::min<uint64_t>(uncredited_, n);
  reconsiderAll();
}

// SETTINGS_INITIAL_WINDOW_SIZE changes windows too.
void Session::onSettings(bool ack) {
  if (ack) barrier_.acked();
  submitBarrier();
  reconsiderAll();
}

void Session::reconsider(H2Stream& stream) {
  if (!stream.smallCut.is(SmallCut::kAwaited)) return;
  if (windowLeft(stream) >= std::min(stream.pending.size(), 2 * kSmallFrame)) {
    changeSmallCut(stream, SmallCut::kNever);
  } else if (barrier_.passed(stream.windowBarrier)) {
    changeSmallCut(stream, SmallCut::kAllowed);
  } else {
    return;
  }
  nghttp2_session_resume_data(session_, stream.id);  // fails only if the stream is closing anyway
}

void Session::reconsiderAll() {
  if (awaitingWindow_ == 0) return;
  for (const auto& stream : streams_)
    reconsider(*stream);
}

// --- the windows of answers -----------------------------------------------------------------------------

void Session::allow(H2Stream& stream, size_t bytes) {
  bytes = std::min(bytes, streamWindow());
  if (over() || !stream.hold.is(Hold::kOpen) || bytes <= std::max(stream.allowed, firstWindow())) return;
  stream.allowed = bytes;
  openWindow(stream);
}

// A stream begins with its HEADERS: before them there is no window to open.
void Session::openWindow(const H2Stream& stream) {
  if (stream.allowed == 0 || nghttp2_session_find_stream(session_, stream.id) == nullptr) return;
  // nghttp2 counts from RFC 9113's initial window until the peer has acknowledged ours, which it has obeyed from the start.
  const size_t counted = nghttp2_session_get_local_settings(session_, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
  const size_t size =
      std::min<size_t>(stream.allowed + counted - std::min(counted, firstWindow()), NGHTTP2_MAX_WINDOW_SIZE);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, stream.id, static_cast<int32_t>(size));
  outputReady();
}

// --- barriers -------------------------------------------------------------------------------------------

uint64_t Session::askPeer() {
  const uint64_t number = barrier_.ask();
  submitBarrier();
  return number;
}

void Session::submitBarrier() {
  if (!barrier_.due() || nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0) != 0) return;
  barrier_.sent();
}

}  // namespace peerpulse::http::h2
