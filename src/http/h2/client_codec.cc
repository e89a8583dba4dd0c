#include "client_codec.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "../field_rules.h"
#include "../websocket.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::http::h2 {
namespace {

constexpr int kMaxInformational = 16;  // faults C6
constexpr size_t kMaxLastWords = 128;

/// Fit for logs and header fields.
std::string printable(std::string_view text) {
  std::string kept;
  for (const char c : text.substr(0, kMaxLastWords))
    kept.push_back(c >= ' ' && c < '\x7f' && c != '"' && c != '\\' ? c : '?');
  return kept;
}

bool isConnect(const RequestHead& head) { return head.method == "CONNECT"; }

/// RFC 8441 can say it: of an h1 client's upgrade a GET without a body, to one protocol.
bool asksForTunnel(const RequestHead& head, bool end) {
  if (head.upgrade.empty()) return false;
  return isConnect(head) || (head.method == "GET" && end && isToken(head.upgrade));
}

}  // namespace

// --- requests -------------------------------------------------------------------------------------------

void ClientStream::sendHeaders(const RequestHead& head, bool end) {
  if (hold.is(Hold::kOpen)) codec_.submit(*this, head, end);
}

void ClientStream::reset(ResetReason reason) {
  if (id == 0 && hold.is(Hold::kOpen)) {
    codec_.forget(*this);
  } else {
    H2StreamOf<RequestStream>::reset(reason);
  }
}

bool ClientCodec::canOpenStream() const {
  if (!life_.is(Life::kOpen) || wornOut() || nghttp2_session_check_request_allowed(native()) == 0) return false;
  const uint32_t limit = nghttp2_session_get_remote_settings(native(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return openStreams() < std::min(limit, limits_.maxConcurrentStreams);
}

RequestStream& ClientCodec::openStream(ResponseReceiver& receiver) {
  PP_ASSERT(canOpenStream());
  auto stream = std::make_unique<ClientStream>(*this, *this, receiver);
  ClientStream& opened = *stream;
  adopt(std::move(stream));
  return opened;
}

// RFC 8441 3: only of a peer that has said so.
bool ClientCodec::takesTunnels() const {
  return nghttp2_session_get_remote_settings(native(), NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

void ClientCodec::submit(ClientStream& stream, const RequestHead& head, bool end) {
  if (!asksForTunnel(head, end)) {
    stream.outgoing.to(end ? Outgoing::kEnded : Outgoing::kBody);
    submitHead(stream, head, end);
    return;
  }
  stream.tunnel = head.upgrade;
  stream.outgoing.to(Outgoing::kBody);
  if (greeting_ == Greeting::kSettings) {
    submitTunnel(stream, head);
  } else {
    stream.waiting = std::make_unique<RequestHead>(head);
  }
}

void ClientCodec::onSettings() {
  if (std::exchange(greeting_, Greeting::kSettings) == Greeting::kSettings) return;
  for (const auto& each : streams()) {
    auto& stream = static_cast<ClientStream&>(*each);
    const std::unique_ptr<RequestHead> head = std::move(stream.waiting);
    if (head && stream.hold.is(Hold::kOpen)) submitTunnel(stream, *head);
  }
}

// An upgrade is an offer (RFC 9110 7.8): without it the same request is left. A CONNECT has nothing else.
void ClientCodec::submitTunnel(ClientStream& stream, const RequestHead& head) {
  if (takesTunnels()) {
    submitHead(stream, head, false);
  } else if (isConnect(head)) {
    closeStream(stream, ResetReason::kNotTaken, "the peer takes no extended CONNECT");
    outputReady();
  } else {
    stream.tunnel.clear();
    stream.outgoing.to(Outgoing::kEnded);
    submitHead(stream, head, true);
  }
}

void ClientCodec::submitHead(ClientStream& stream, const RequestHead& head, bool end) {
  const bool tunnel = !stream.tunnel.empty();
  const bool webSocket = tunnel && equalsIgnoreCase(stream.tunnel, kWebSocket);
  const bool translated = webSocket && !isConnect(head);
  if (translated && head.headers.has(kWebSocketKey))
    stream.accept = webSocketAccept(head.headers.find(kWebSocketKey));
  stream.headRequest = head.method == "HEAD";
  FieldArray& array = fields();
  array.add(":method", tunnel ? std::string_view("CONNECT") : std::string_view(head.method));
  if (tunnel) array.add(":protocol", webSocket ? kWebSocket : std::string_view(stream.tunnel));
  array.add(":scheme", secure_ ? std::string_view("https") : std::string_view(head.scheme));
  if (!head.authority.empty()) array.add(":authority", head.authority);
  array.add(":path", head.path);
  array.addHeaders(head.headers, !tunnel, translated ? kWebSocketKey : std::string_view());
  const nghttp2_data_provider body = bodyProvider();
  const int32_t id = nghttp2_submit_request(native(), nullptr, array.data(), array.size(), end ? nullptr : &body,
                                            static_cast<H2Stream*>(&stream));
  if (id < 0) {
    // Out of stream ids: nothing was sent, another connection may take it.
    closeStream(stream, ResetReason::kRefused, nghttp2_strerror(id));
  } else {
    stream.id = id;
  }
  outputReady();
}

void ClientCodec::connectionLost(std::string_view detail) {
  closeAll(ResetReason::kConnectionClosed, lastWords_.empty() ? detail : std::string_view(lastWords_));
}

// --- resets ---------------------------------------------------------------------------------------------

// Its request is on the wire, and nothing shows that the peer has got to it.
bool ClientCodec::mayBeUnheard(const H2Stream& stream) const {
  return stream.incoming.is(Incoming::kHead) && stream.informational == 0 &&
         nghttp2_session_find_stream(native(), stream.id) != nullptr;
}

bool ClientCodec::resetWaits(const H2Stream& stream) {
  if (!mayBeUnheard(stream)) return false;
  if (!pacer_.mayReset() || parting() > 0) return true;
  pacer_.gave(nghttp2_session_get_next_stream_id(native()));
  return false;
}

void ClientCodec::settleResets() {
  if (over()) return;
  if (pacer_.wantsBarrier()) pacer_.asked(askPeer());
  if (pacer_.barrier() != 0 && heardOf(pacer_.barrier())) pacer_.passed();
  if (parting() == 0) return;
  // A connection that takes no more requests and carries nothing else may as well be ended by the peer.
  const bool useless =
      active() == 0 && (!life_.is(Life::kOpen) || nghttp2_session_check_request_allowed(native()) == 0);
  if (!pacer_.mayReset() && !useless && !partingAnswered_) return;  // nothing has changed for those that wait
  partingAnswered_ = false;
  for (const auto& stream : streams()) {
    if (!stream->hold.is(Hold::kParting)) continue;
    if (mayBeUnheard(*stream) && !useless) {
      if (!pacer_.mayReset()) continue;
      pacer_.gave(nghttp2_session_get_next_stream_id(native()));
    }
    sendReset(*stream);
    noteCapacity();
  }
}

// --- bytes ----------------------------------------------------------------------------------------------

bool ClientCodec::greetsInH1(std::string_view in) {
  constexpr std::string_view kH1 = "HTTP/1.";
  firstBytes_.append(in.substr(0, kH1.size() - firstBytes_.size()));
  if (firstBytes_ == kH1) return true;
  if (firstBytes_ != kH1.substr(0, firstBytes_.size())) greeting_ = Greeting::kFrames;
  return false;
}

Result<void> ClientCodec::receive(Slice in) {
  // A server that speaks h1 only answers the preface in h1; say so instead of a frame size error.
  if (greeting_ == Greeting::kUnknown && !over() && greetsInH1(in.view())) {
    constexpr std::string_view kWhy = "the peer answered the h2 preface in HTTP/1";
    closeAll(ResetReason::kConnectionClosed, kWhy);
    return Error{std::string(kWhy)};
  }
  return receiveBytes(in);
}

void ClientCodec::drain() {
  if (!life_.is(Life::kOpen)) return;
  life_.to(Life::kDraining);
  for (const auto& each : streams()) {
    if (!std::exchange(static_cast<ClientStream&>(*each).waiting, nullptr) || !each->hold.is(Hold::kOpen)) continue;
    closeStream(*each, ResetReason::kRefused, "not sent: the connection is going away");
  }
  nghttp2_submit_goaway(native(), NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
  outputReady();
}

bool ClientCodec::submitPing(uint64_t payload) {
  if (over()) return false;
  std::array<uint8_t, 8> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<uint8_t>(payload >> (56 - 8 * i));
  if (nghttp2_submit_ping(native(), NGHTTP2_FLAG_NONE, bytes.data()) != 0) return false;
  outputReady();
  return true;
}

// --- from nghttp2 ---------------------------------------------------------------------------------------

int ClientCodec::onBeginHeaders(const nghttp2_frame& frame) {
  beginBlock(frame.hd.type == NGHTTP2_HEADERS ? find(frame.hd.stream_id) : nullptr);
  return 0;
}

bool ClientCodec::onHeaders(H2Stream& stream, const nghttp2_frame& frame) {
  if (block().tooLarge()) {
    protocolReset(stream, NGHTTP2_PROTOCOL_ERROR, "header section over the limit");
    return false;
  }
  if (const char* problem = block().fieldProblem()) {
    protocolReset(stream, NGHTTP2_PROTOCOL_ERROR, problem);
    return false;
  }
  if (!stream.incoming.is(Incoming::kHead)) {
    queueBlock(Notification::Kind::kTrailers, stream);
    return true;
  }
  pacer_.answered(static_cast<uint32_t>(stream.id));
  if (stream.hold.is(Hold::kParting)) partingAnswered_ = true;
  const int status = block().status();
  if (status < 0 || status == 101 || (status < 200 && ++stream.informational > kMaxInformational)) {
    protocolReset(stream, NGHTTP2_PROTOCOL_ERROR, "bad status or too many informational responses");
    return false;
  }
  if (status < 200) {
    queueBlock(Notification::Kind::kInformational, stream);
    return true;
  }
  stream.incoming.to(Incoming::kBody);
  stream.budget = block().used();
  if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) block().markComplete();
  queueBlock(Notification::Kind::kHead, stream);
  return true;
}

int ClientCodec::onConnectionFrame(const nghttp2_frame& frame) {
  const bool ack = (frame.hd.flags & NGHTTP2_FLAG_ACK) != 0;
  if (frame.hd.type == NGHTTP2_PING && ack) {
    Notification& pong = queue(Notification::Kind::kPingAck);
    for (const uint8_t byte : frame.ping.opaque_data)
      pong.number = pong.number << 8 | byte;
  } else if (frame.hd.type == NGHTTP2_GOAWAY) {
    onGoAway(frame.goaway);
  } else if (frame.hd.type == NGHTTP2_SETTINGS && !ack) {
    onSettings();
    noteCapacity();
  }
  return 0;
}

void ClientCodec::onGoAway(const nghttp2_goaway& frame) {
  Notification& goAway = queue(Notification::Kind::kGoAway);
  goAway.number = frame.error_code;
  std::string text;
  if (frame.opaque_data_len > 0) text.assign(reinterpret_cast<const char*>(frame.opaque_data), frame.opaque_data_len);
  if (frame.error_code != NGHTTP2_NO_ERROR) {
    lastWords_ = std::string("GOAWAY received: ") + nghttp2_http2_strerror(frame.error_code);
    if (!text.empty()) lastWords_.append(": ").append(printable(text));
  }
  if (!text.empty()) goAway.text = std::make_unique<std::string>(std::move(text));
  noteCapacity();
}

// --- to receivers ---------------------------------------------------------------------------------------

void ClientCodec::deliverHead(H2Stream& base, HeaderBlock& block, bool informational) {
  auto& stream = static_cast<ClientStream&>(base);
  ResponseHead head = block.takeResponse();
  if (informational) {
    stream.response().onInformational(std::move(head));
    return;
  }
  if (!stream.tunnel.empty()) answerTunnel(stream, head);
  stream.response().onHeaders(std::move(head));
}

void ClientCodec::answerTunnel(ClientStream& stream, ResponseHead& head) {
  if (head.status >= 300) {
    // Refused: nobody has anything more to say on it.
    stream.tunnel.clear();
    if (stream.outgoing.is(Outgoing::kBody, Outgoing::kStarved)) bodyGiven(stream, Outgoing::kEnded);
    return;
  }
  head.status = 101;  // RFC 8441 5
  head.upgrade = stream.tunnel;
  head.complete = false;
  head.contentLength.reset();  // of a tunnel it means nothing (RFC 9110 9.3.6)
  head.headers.remove("content-length");
  // One that the peer gave answers another key: proxies pass on what their own server said to theirs.
  if (!stream.accept.empty()) head.headers.set(kWebSocketAccept, stream.accept);
}

void ClientCodec::deliverConnection(const Notification& notification) {
  if (notification.kind == Notification::Kind::kGoAway) {
    owner_.onGoAway(static_cast<uint32_t>(notification.number), notification.textView());
  } else if (notification.kind == Notification::Kind::kPingAck) {
    owner_.onPingAck(notification.number);
  }
}

}  // namespace peerpulse::http::h2

namespace peerpulse::http {

std::unique_ptr<ClientCodec> createH2ClientCodec(ClientCodecOwner& owner, const CodecLimits& limits, bool secure) {
  return std::make_unique<h2::ClientCodec>(owner, limits, secure);
}

}  // namespace peerpulse::http
