#include "session.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "../tls_record.h"
#include "error_code.h"
#include "peerpulse/base/assert.h"
#include "session_callbacks.h"

namespace peerpulse::http::h2 {
namespace {

constexpr uint32_t kMaxFrameSize = 64 * 1024;
constexpr int32_t kConnectionWindow = 16 * 1024 * 1024;
/// Replies that receiveBytes() serialises ahead; the rest waits in nghttp2, which bounds it (A5).
constexpr size_t kControlLimit = size_t{16} * 1024;
constexpr size_t kMaxSentHeaderBlock = size_t{256} * 1024;

struct OptionDeleter {
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};

std::unique_ptr<nghttp2_option, OptionDeleter> makeOptions(const CodecLimits& limits, bool server) {
  nghttp2_option* option = nullptr;
  PP_ASSERT(nghttp2_option_new(&option) == 0);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  // nghttp2 counts reads of a CONTINUATION's 9-byte head, not frames; the frames are counted in
  // onBeginFrame().
  nghttp2_option_set_max_continuations(option, kMaxContinuations * 9);
  nghttp2_option_set_max_send_header_block_length(option, kMaxSentHeaderBlock);
  // FrameBudgets ends a flood of resets first, by the code that says so; this one is a second net.
  nghttp2_option_set_stream_reset_rate_limit(option, 2 * uint64_t{limits.resetBurst},
                                             2 * uint64_t{limits.resetsPerSecond});
  for (unsigned type = NGHTTP2_CONTINUATION + 1; type <= UINT8_MAX; ++type)
    nghttp2_option_set_user_recv_extension_type(option, static_cast<uint8_t>(type));  // to be counted, and ignored
  if (server) nghttp2_option_set_no_auto_ping_ack(option, 1);  // ServerCodec answers, or holds them
  return std::unique_ptr<nghttp2_option, OptionDeleter>(option);
}

}  // namespace

Session::Session(CodecOwner& owner, const CodecLimits& limits, Side side)
    : limits_(limits), owner_(owner), side_(side), budgets_(limits.resetBurst, limits.resetsPerSecond) {
  const auto options = makeOptions(limits, side == Side::kServer);
  session_ = SessionCallbacks::create(*this, side == Side::kServer, options.get());
  announce();
}

Session::~Session() { nghttp2_session_del(session_); }

void Session::announce() {
  std::array<nghttp2_settings_entry, 6> entries{};
  size_t n = 0;
  const auto window = static_cast<uint32_t>(side_ == Side::kClient ? firstWindow() : streamWindow());
  const auto listSize = static_cast<uint32_t>(std::min<size_t>(limits_.maxHeaderListSize, UINT32_MAX));
  entries[n++] = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
  entries[n++] = {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, kMaxFrameSize};
  entries[n++] = {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, listSize};
  if (side_ == Side::kServer) {
    entries[n++] = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.maxConcurrentStreams};
    entries[n++] = {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1};
    entries[n++] = {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1};  // RFC 8441 3
  } else {
    entries[n++] = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
  }
  PP_ASSERT(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), n) == 0);
  PP_ASSERT(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow) == 0);
}

// --- what streams ask for -------------------------------------------------------------------------------

void Session::bodyGiven(H2Stream& stream, Outgoing next) {
  const bool starved = stream.outgoing.is(Outgoing::kStarved);
  if (!stream.outgoing.is(next)) stream.outgoing.to(next);
  if (over()) return;
  if (starved) nghttp2_session_resume_data(session_, stream.id);  // fails only if the stream is closing anyway
  outputReady();
}

void Session::noteSent(H2Stream& stream, size_t n) {
  if (stream.sentUnreported == 0) queue(Notification::Kind::kBodySent, &stream);
  stream.sentUnreported += n;
}

void Session::consumed(H2Stream& stream, size_t n) {
  if (over() || !stream.hold.is(Hold::kOpen) || n == 0) return;
  nghttp2_session_consume_stream(session_, stream.id, n);
  outputReady();
}

void Session::reset(H2Stream& stream, ResetReason reason) {
  stream.receiver = nullptr;
  if (reason == ResetReason::kNoError && mayBeLeft(stream)) {
    moveTo(stream, Hold::kLeft);
    return;
  }
  stream.pending.clear();
  if (stream.hold.is(Hold::kClosing, Hold::kAborting)) moveTo(stream, Hold::kOver);
  if (!stream.hold.is(Hold::kOpen)) return;
  if (over()) {
    moveTo(stream, Hold::kForsaken);
    return;
  }
  stream.waitingReset = errorCodeOf(reason, side_ == Side::kServer);
  if (resetWaits(stream)) {
    moveTo(stream, Hold::kParting);
    noteCapacity();
  } else {
    sendReset(stream);
  }
  outputReady();
}

bool Session::mayBeLeft(const H2Stream& stream) const {
  if (side_ != Side::kClient || over() || stream.tunnel.empty()) return false;
  return stream.hold.is(Hold::kOpen) && stream.incoming.is(Incoming::kDone) && stream.outgoing.is(Outgoing::kEnded);
}

void Session::sendReset(H2Stream& stream) {
  moveTo(stream, Hold::kForsaken);
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, stream.waitingReset);
}

// Told at once: nghttp2 closes a stream whose two sides had ended as if all were well, before its RST_STREAM has left.
void Session::protocolReset(H2Stream& stream, uint32_t errorCode, std::string_view why) {
  lastProblem_ = why;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, errorCode);
  closeStream(stream, reasonOf(errorCode), std::string("stream error: ").append(why));
}

int Session::endAsFlood(const char* kind) {
  flood_ = kind;
  return endWith(NGHTTP2_ENHANCE_YOUR_CALM, std::string("flood of frames: ") + kind);
}

int Session::endWith(uint32_t errorCode, std::string why) {
  lastProblem_ = std::move(why);
  ownError_ = errorCode;
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

// --- bytes ----------------------------------------------------------------------------------------------

Result<void> Session::receiveBytes(const Slice& in) {
  if (over() && !failure_.empty()) return Error{failure_};
  if (over() || in.empty()) return {};
  input_ = &in;
  lastProblem_.clear();
  if (!std::exchange(heard_, true) && side_ == Side::kClient && isTlsRecord(in.view())) {
    fail(NGHTTP2_PROTOCOL_ERROR, kTlsFromPeer);
    flush();
    return Error{failure_};
  }
  const ssize_t taken = nghttp2_session_mem_recv(session_, in.data(), in.size());
  input_ = nullptr;
  if (taken < 0) {
    const auto code = static_cast<int>(taken);
    // How many reads a CONTINUATION flood took must not tell in the answer.
    const bool flood = code == NGHTTP2_ERR_FLOODED || code == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS;
    if (flood) endAsFlood(code == NGHTTP2_ERR_FLOODED ? "unread_answers" : "continuation");
    const bool own = flood || code == NGHTTP2_ERR_CALLBACK_FAILURE;
    fail(own ? ownError_ : uint32_t{NGHTTP2_PROTOCOL_ERROR},
         lastProblem_.empty() ? nghttp2_strerror(code) : lastProblem_);
  }
  settleResets();
  // Serialising replies now shows at once whether nghttp2 ended the connection (its GOAWAY tells).
  pump(control_, 0);
  flush();
  if (over() || !control_.empty() || nghttp2_session_want_write(session_) != 0) outputReady();
  if (over() && !failure_.empty()) return Error{failure_};
  return {};
}

void Session::produceBytes(Buffer& out, size_t limit) {
  size_t before = 0;
  do {
    before = out.size();
    settleResets();
    control_.moveTo(out);
    pump(out, limit);
    flush();  // what receivers do now goes out as well
  } while (out.size() < limit && out.size() > before);
}

// With limit 0 body frames wait, and only so much else is taken as control_ may hold.
void Session::pump(Buffer& out, size_t limit) {
  const size_t bound = limit == 0 ? kControlLimit : limit;
  output_ = &out;
  outputLimit_ = limit;
  while (!life_.is(Life::kClosed) && out.size() < bound) {
    const uint8_t* bytes = nullptr;
    const ssize_t n = nghttp2_session_mem_send(session_, &bytes);
    if (n == 0) break;
    if (n < 0) {
      giveUp(ResetReason::kInternal, nghttp2_strerror(static_cast<int>(n)));
      life_.to(Life::kClosed);
      break;
    }
    out.append(std::string_view(reinterpret_cast<const char*>(bytes), static_cast<size_t>(n)));
  }
  output_ = nullptr;
}

bool Session::drained() const {
  if (life_.is(Life::kNoticed) || !control_.empty() || !notifications_.empty()) return false;
  if (life_.is(Life::kClosed)) return true;
  // The driver asks after each turn: what a living connection answers comes first.
  if (!over() && (!streams_.empty() || nghttp2_session_want_read(session_) != 0)) return false;
  return nghttp2_session_want_write(session_) == 0;
}

// --- the end --------------------------------------------------------------------------------------------

void Session::fail(uint32_t errorCode, std::string_view text) {
  nghttp2_session_terminate_session(session_, errorCode);
  giveUp(ResetReason::kProtocol, text);
}

void Session::giveUp(ResetReason reason, std::string_view text) {
  if (!over()) {
    failure_ = text;
    life_.to(Life::kGoodbye);
  }
  for (const auto& stream : streams_) {
    if (stream->hold.is(Hold::kOpen, Hold::kParting, Hold::kForsaken, Hold::kLeft))
      closeStream(*stream, reason, std::string(text));
  }
}

void Session::closeAll(ResetReason reason, std::string_view detail) {
  queueJoined();
  giveUp(reason, detail);
  if (!life_.is(Life::kClosed)) life_.to(Life::kClosed);
  control_.clear();
  flush();
}

void Session::sayGoodbye() {
  if (over()) return;
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  giveUp(ResetReason::kConnectionClosed, "closed by this side");
  failure_.clear();  // what the remote side says from now on is not read, and no fault of its
  flush();
  outputReady();
}

void Session::abandonAll() {
  if (!over()) life_.to(Life::kAbandoned);
}

}  // namespace peerpulse::http::h2
