#include "server_codec.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "../field_rules.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::http::h2 {
namespace {

/// Payload of the PING whose ACK tells that the shutdown notice has arrived (RFC 9113 6.8).
constexpr std::array<uint8_t, 8> kDrainPing = {'p', 'p', 'd', 'r', 'a', 'i', 'n', 0};
/// PINGs kept while held. A client that waits for one answer has one under way; of one that sends them at a fixed pace the
/// newest tell most, so the oldest are forgotten.
constexpr size_t kMaxHeldPings = 16;

}  // namespace

// --- ServerStream ---------------------------------------------------------------------------------------

// Of a tunnel 2xx means what 101 means in h1 (RFC 8441 5), and nothing else may say it.
int ServerStream::statusOf(const ResponseHead& head) const {
  if (tunnel.empty() || head.status >= 300) return head.status;
  if (head.status == 101) return 200;
  return head.status < 200 ? head.status : 502;
}

FieldArray& ServerStream::fieldsOf(const ResponseHead& head, std::string& status) {
  status = std::to_string(statusOf(head));
  FieldArray& fields = session_.fields();
  fields.add(":status", status);
  // Where there can be no body a length is none (RFC 9110 8.6).
  fields.addHeaders(head.headers, head.status >= 200 && head.status != 204);
  return fields;
}

void ServerStream::sendInformational(const ResponseHead& head) {
  if (!hold.is(Hold::kOpen)) return;
  PP_ASSERT(outgoing.is(Outgoing::kHead) && head.status >= 100 && head.status < 200);
  if (head.status == 101) return;  // RFC 9113 8.6
  std::string status;
  const FieldArray& fields = fieldsOf(head, status);
  nghttp2_submit_headers(session_.native(), NGHTTP2_FLAG_NONE, id, nullptr, fields.data(), fields.size(), nullptr);
  session_.outputReady();
}

void ServerStream::sendHeaders(const ResponseHead& head, bool end) {
  if (!hold.is(Hold::kOpen)) return;
  PP_ASSERT((head.status >= 200 || (head.status == 101 && !tunnel.empty())) && head.status <= 999);
  outgoing.to(end ? Outgoing::kEnded : Outgoing::kBody);
  dropBody = headRequest || head.status == 204 || head.status == 304;
  std::string status;
  const FieldArray& fields = fieldsOf(head, status);
  if (head.status != 101) tunnel.clear();  // it was refused
  const nghttp2_data_provider body = Session::bodyProvider();
  nghttp2_submit_response(session_.native(), id, fields.data(), fields.size(), end ? nullptr : &body);
  session_.outputReady();
}

size_t ServerStream::room() const {
  const int32_t window = nghttp2_session_get_stream_remote_window_size(session_.native(), id);
  const auto open = static_cast<size_t>(std::max(window, 0));
  return open - std::min(open, pending.size());
}

// --- from nghttp2 ---------------------------------------------------------------------------------------

int ServerCodec::onBeginHeaders(const nghttp2_frame& frame) {
  H2Stream* stream = find(frame.hd.stream_id);
  if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    if (stream != nullptr) return 0;
    newest_ = frame.hd.stream_id;
    stream = &adopt(std::make_unique<ServerStream>(*this, frame.hd.stream_id));
    // Round robin between streams; the client's wishes are not ours to weigh (A7).
    nghttp2_extpri priority{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
    nghttp2_session_change_extpri_stream_priority(native(), stream->id, &priority, 1);
  }
  beginBlock(stream);
  return 0;
}

// nghttp2 ignores a section that comes for a stream that it has forgotten, whatever that was. So it does with DATA, and tells
// nobody, which RFC 9113 5.1 allows.
int ServerCodec::onHeadersFrame(const nghttp2_frame_hd& head) {
  const bool known = head.stream_id > newest_ || nghttp2_session_find_stream(native(), head.stream_id) != nullptr;
  if (known || head.stream_id % 2 == 0 || reset_.has(head.stream_id)) return 0;
  if (ended_.has(head.stream_id)) {
    return endWith(NGHTTP2_STREAM_CLOSED, "frame on a closed stream");
  }
  return endWith(NGHTTP2_PROTOCOL_ERROR, "stream id below an earlier one");  // RFC 9113 5.1.1
}

bool ServerCodec::onHeaders(H2Stream& stream, const nghttp2_frame& frame) {
  if (!stream.incoming.is(Incoming::kHead)) {
    if (block().tooLarge()) {
      protocolReset(stream, NGHTTP2_PROTOCOL_ERROR, "trailer section over the limit");
      return false;
    }
    if (const char* problem = block().fieldProblem()) {
      protocolReset(stream, NGHTTP2_PROTOCOL_ERROR, problem);
      return false;
    }
    queueBlock(Notification::Kind::kTrailers, stream);
    return true;
  }
  // CONNECT has no path, unless it is an extended one, and what is too large was not kept: the one is answered, the other not
  // looked at.
  const bool answered = (block().method() == "CONNECT" && block().protocol().empty()) || block().tooLarge();
  if (const char* problem = answered ? nullptr : block().requestProblem()) {
    protocolReset(stream, NGHTTP2_PROTOCOL_ERROR, problem);
    return false;
  }
  const bool ended = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (!block().protocol().empty() && (ended || !isToken(block().protocol()))) {
    protocolReset(stream, NGHTTP2_PROTOCOL_ERROR, "an extended CONNECT that can be no tunnel");
    return false;
  }
  stream.incoming.to(Incoming::kBody);
  stream.budget = block().used();
  stream.tunnel = block().protocol();
  stream.headRequest = block().method() == "HEAD";
  if (ended) block().markComplete();
  queueBlock(Notification::Kind::kHead, stream);
  return true;
}

int ServerCodec::onConnectionFrame(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_PING) return 0;
  PingPayload payload{};
  std::copy_n(frame.ping.opaque_data, payload.size(), payload.begin());
  if ((frame.hd.flags & NGHTTP2_FLAG_ACK) == 0) return onPing(payload);
  if (life_.is(Life::kNoticed) && payload == kDrainPing) finalGoAway();
  return 0;
}

int ServerCodec::onPing(const PingPayload& payload) {
  if (!pingsHeld_) return answerPing(payload);
  if (heldPings_.size() == kMaxHeldPings) heldPings_.erase(heldPings_.begin());
  heldPings_.push_back(payload);
  return 0;
}

int ServerCodec::answerPing(const PingPayload& payload) {
  const bool taken = nghttp2_submit_ping(native(), NGHTTP2_FLAG_ACK, payload.data()) == 0;
  return taken ? 0 : endAsFlood("unread_answers");
}

void ServerCodec::holdPings(bool hold) {
  pingsHeld_ = hold;
  if (hold || heldPings_.empty()) return;
  if (!over()) {
    for (const PingPayload& payload : heldPings_)
      answerPing(payload);  // fewer than would be a flood
    outputReady();
  }
  heldPings_.clear();
}

// --- to the owner ---------------------------------------------------------------------------------------

void ServerCodec::deliverHead(H2Stream& base, HeaderBlock& block, bool) {
  // Opened and reset within one read: nobody needs to know (A1).
  if (base.hold.is(Hold::kAborting)) return;
  auto& stream = static_cast<ServerStream&>(base);
  Receiver* receiver = nullptr;
  if (block.tooLarge()) {
    receiver = owner_.onBadRequest(stream, 431, "header section over the limit");
  } else if (block.method() == "PRI") {
    // Reserved: it is how the preface looks to an h1 parser (RFC 9113 11.6).
    receiver = owner_.onBadRequest(stream, 501, "method not known");
  } else if (block.method() == "CONNECT" && block.protocol().empty()) {
    receiver = owner_.onBadRequest(stream, 405, "CONNECT is not supported");
  } else if (block.expectsUnknown()) {
    receiver = owner_.onBadRequest(stream, 417, "unknown expectation");
  } else {
    receiver = owner_.onRequest(stream, block.takeRequest());
  }
  const bool reset = stream.hold.is(Hold::kForsaken, Hold::kOver);
  if (!reset) stream.receiver = receiver;
}

void ServerCodec::drain() {
  if (life_.is(Life::kOpen)) {
    // Requests already on their way when the notice arrives are still served: the real GOAWAY waits one
    // round trip. A second drain() does not wait.
    life_.to(Life::kNoticed);
    nghttp2_submit_shutdown_notice(native());
    nghttp2_submit_ping(native(), NGHTTP2_FLAG_NONE, kDrainPing.data());
  } else if (life_.is(Life::kNoticed)) {
    finalGoAway();
  } else {
    return;
  }
  outputReady();
}

void ServerCodec::finalGoAway() {
  life_.to(Life::kDraining);
  nghttp2_submit_goaway(native(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(native()),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

}  // namespace peerpulse::http::h2

namespace peerpulse::http {

std::unique_ptr<Codec> createH2ServerCodec(ServerCodecOwner& owner, const CodecLimits& limits) {
  return std::make_unique<h2::ServerCodec>(owner, limits);
}

}  // namespace peerpulse::http
