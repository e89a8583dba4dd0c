// The h2 client side: requests out, responses in.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "peerpulse/base/assert.h"
#include "session.h"

namespace peerpulse::http::h2 {
namespace {

constexpr int kMaxInformational = 16;  // faults C6

class ClientCodec;

class ClientStream final : public H2StreamOf<RequestStream> {
 public:
  ClientStream(ClientCodec& codec, Session& session, ResponseReceiver& response)
      : H2StreamOf<RequestStream>(session, 0), codec_(codec), response_(response) {
    receiver = &response;
  }
  void sendHeaders(const RequestHead& head, bool end) override;
  void reset(ResetReason reason) override;
  ResponseReceiver& response() { return response_; }

 private:
  ClientCodec& codec_;
  ResponseReceiver& response_;
};

class ClientCodec final : public http::ClientCodec, private Session {
 public:
  ClientCodec(ClientCodecOwner& owner, const CodecLimits& limits)
      : Session(owner, limits, Side::kClient), owner_(owner) {}

  Result<void> receive(Slice in) override;
  void receiveEof() override { lose("end of file"); }
  void connectionLost(std::string_view detail) override { lose(detail); }
  void produce(Buffer& out, size_t limit) override { produceBytes(out, limit); }
  bool finished() const override { return drained() && unsent_.empty(); }
  size_t activeStreams() const override { return active(); }
  void drain() override;
  void goAway() override;
  void abandon() override { abandonAll(); }
  bool canOpenStream() const override;
  RequestStream& openStream(ResponseReceiver& receiver) override;
  bool submitPing(uint64_t payload) override;

  void submit(ClientStream& stream, const RequestHead& head, bool end);
  /// Drops a stream whose head was never sent.
  void forget(ClientStream& stream);

 private:
  int onBeginHeaders(const nghttp2_frame& frame) override;
  bool onHeaders(H2Stream& stream, const nghttp2_frame& frame) override;
  void onConnectionFrame(const nghttp2_frame& frame) override;
  void deliverHead(H2Stream& stream, std::unique_ptr<HeaderBlock> block, bool informational) override;
  void deliverConnection(Notification& notification) override;
  void lose(std::string_view detail);
  void resetUnsent(ResetReason reason, std::string_view detail);
  std::unique_ptr<ClientStream> takeUnsent(ClientStream& stream);
  void queueCapacity();

  ClientCodecOwner& owner_;
  std::vector<std::unique_ptr<ClientStream>> unsent_;  ///< opened, head not sent yet
  std::string firstBytes_;                             ///< until they are known to be h2 or not
  bool sawFrames_ = false;
  bool draining_ = false;
};

void ClientStream::sendHeaders(const RequestHead& head, bool end) {
  if (detached || closed) return;
  PP_ASSERT(!headersSent);
  codec_.submit(*this, head, end);
}

void ClientStream::reset(ResetReason reason) {
  if (id == 0 && !closed) {
    codec_.forget(*this);
  } else {
    session_.reset(*this, reason);
  }
}

bool ClientCodec::canOpenStream() const {
  if (draining_ || dead() || nghttp2_session_check_request_allowed(native()) == 0) return false;
  const uint32_t limit = nghttp2_session_get_remote_settings(native(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return tableSize() + unsent_.size() < std::min(limit, limits_.maxConcurrentStreams);
}

RequestStream& ClientCodec::openStream(ResponseReceiver& receiver) {
  PP_ASSERT(canOpenStream());
  unsent_.push_back(std::make_unique<ClientStream>(*this, static_cast<Session&>(*this), receiver));
  ++active_;
  return *unsent_.back();
}

std::unique_ptr<ClientStream> ClientCodec::takeUnsent(ClientStream& stream) {
  const auto it = std::find_if(unsent_.begin(), unsent_.end(), [&](const auto& s) { return s.get() == &stream; });
  PP_ASSERT(it != unsent_.end());
  std::unique_ptr<ClientStream> taken = std::move(*it);
  unsent_.erase(it);
  return taken;
}

void ClientCodec::forget(ClientStream& stream) {
  const std::unique_ptr<ClientStream> gone = takeUnsent(stream);
  --active_;
  queueCapacity();
  outputReady();
}

void ClientCodec::queueCapacity() {
  Notification capacity;
  capacity.kind = Notification::Kind::kCapacity;
  queue(std::move(capacity));
}

void ClientCodec::submit(ClientStream& stream, const RequestHead& head, bool end) {
  stream.headersSent = true;
  stream.ended = end;
  stream.headRequest = head.method == "HEAD";
  FieldArray fields;
  fields.add(":method", head.method);
  fields.add(":scheme", head.scheme);
  if (!head.authority.empty()) fields.add(":authority", head.authority);
  fields.add(":path", head.path);
  fields.addHeaders(head.headers);
  const nghttp2_data_provider body = bodyProvider();
  const int32_t id =
      nghttp2_submit_request(native(), nullptr, fields.data(), fields.size(), end ? nullptr : &body, nullptr);
  std::unique_ptr<ClientStream> owned = takeUnsent(stream);
  if (id < 0) {
    // Out of stream ids: nothing was sent, another connection may take it.
    --active_;
    stream.closed = true;
    Notification last;
    last.kind = Notification::Kind::kReset;
    last.stream = &stream;
    last.reason = ResetReason::kRefused;
    last.text = nghttp2_strerror(id);
    last.last = std::move(owned);
    queue(std::move(last));
  } else {
    stream.id = id;
    adopt(std::move(owned));
  }
  outputReady();
}

Result<void> ClientCodec::receive(Slice in) {
  // A server that speaks h1 only answers the preface in h1; say so instead of a frame size error.
  constexpr std::string_view kH1 = "HTTP/1.";
  if (!sawFrames_ && !dead()) {
    firstBytes_.append(in.view().substr(0, kH1.size() - firstBytes_.size()));
    if (firstBytes_ == kH1) {
      lose("the peer answered the h2 preface in HTTP/1");
      return Error{"the peer answered the h2 preface in HTTP/1"};
    }
    sawFrames_ = firstBytes_ != kH1.substr(0, firstBytes_.size());
  }
  Result<void> result = receiveBytes(in);
  if (!result) resetUnsent(ResetReason::kProtocol, result.error().message);
  return result;
}

void ClientCodec::lose(std::string_view detail) {
  closeAll(ResetReason::kConnectionClosed, detail);
  resetUnsent(ResetReason::kConnectionClosed, detail);
}

void ClientCodec::resetUnsent(ResetReason reason, std::string_view detail) {
  while (!unsent_.empty()) {
    const std::unique_ptr<ClientStream> stream = std::move(unsent_.back());
    unsent_.pop_back();
    --active_;
    stream->closed = stream->detached = true;
    stream->response().onReset(reason, detail);
  }
}

void ClientCodec::drain() {
  if (draining_ || dead()) return;
  draining_ = true;
  nghttp2_submit_goaway(native(), NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
  outputReady();
}

void ClientCodec::goAway() {
  if (dead()) return;
  sayGoodbye();
  resetUnsent(ResetReason::kConnectionClosed, "closed by this side");
}

bool ClientCodec::submitPing(uint64_t payload) {
  if (dead()) return false;
  std::array<uint8_t, 8> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<uint8_t>(payload >> (56 - 8 * i));
  if (nghttp2_submit_ping(native(), NGHTTP2_FLAG_NONE, bytes.data()) != 0) return false;
  outputReady();
  return true;
}

// --- from nghttp2 ---------------------------------------------------------------------------------------

int ClientCodec::onBeginHeaders(const nghttp2_frame& frame) {
  H2Stream* stream = find(frame.hd.stream_id);
  if (stream != nullptr) beginBlock(*stream, stream->gotHead ? stream->budget : HeaderBudget());
  return 0;
}

bool ClientCodec::onHeaders(H2Stream& stream, const nghttp2_frame& frame) {
  if (stream.block->tooLarge()) {
    protocolReset(stream, NGHTTP2_PROTOCOL_ERROR, "header section over the limit");
    return false;
  }
  Notification notification;
  notification.stream = &stream;
  const int status = stream.block->status();
  if (stream.gotHead) {
    notification.kind = Notification::Kind::kTrailers;
  } else if (status < 0 || status == 101 || (status < 200 && ++stream.informational > kMaxInformational)) {
    protocolReset(stream, NGHTTP2_PROTOCOL_ERROR, "bad status or too many informational responses");
    return false;
  } else if (status < 200) {
    notification.kind = Notification::Kind::kInformational;
  } else {
    stream.gotHead = true;
    stream.budget = stream.block->used();
    if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) stream.block->markComplete();
    notification.kind = Notification::Kind::kHead;
  }
  notification.block = std::move(stream.block);
  queue(std::move(notification));
  return true;
}

void ClientCodec::onConnectionFrame(const nghttp2_frame& frame) {
  Notification notification;
  if (frame.hd.type == NGHTTP2_PING && (frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) {
    notification.kind = Notification::Kind::kPingAck;
    for (const uint8_t byte : frame.ping.opaque_data)
      notification.number = notification.number << 8 | byte;
    queue(std::move(notification));
  } else if (frame.hd.type == NGHTTP2_GOAWAY) {
    notification.kind = Notification::Kind::kGoAway;
    notification.number = frame.goaway.error_code;
    if (frame.goaway.opaque_data_len > 0) {
      notification.text.assign(reinterpret_cast<const char*>(frame.goaway.opaque_data), frame.goaway.opaque_data_len);
    }
    queue(std::move(notification));
    queueCapacity();
  } else if (frame.hd.type == NGHTTP2_SETTINGS && (frame.hd.flags & NGHTTP2_FLAG_ACK) == 0) {
    queueCapacity();
  }
}

// --- to receivers ---------------------------------------------------------------------------------------

void ClientCodec::deliverHead(H2Stream& base, std::unique_ptr<HeaderBlock> block, bool informational) {
  ResponseReceiver& response = static_cast<ClientStream&>(base).response();
  if (informational) {
    response.onInformational(block->takeResponse());
  } else {
    response.onHeaders(block->takeResponse());
  }
}

void ClientCodec::deliverConnection(Notification& notification) {
  switch (notification.kind) {
    case Notification::Kind::kGoAway:
      owner_.onGoAway(static_cast<uint32_t>(notification.number), notification.text);
      break;
    case Notification::Kind::kPingAck: owner_.onPingAck(notification.number); break;
    case Notification::Kind::kCapacity: owner_.onCapacityChanged(); break;
    default: break;
  }
}

}  // namespace
}  // namespace peerpulse::http::h2

namespace peerpulse::http {

std::unique_ptr<ClientCodec> createH2ClientCodec(ClientCodecOwner& owner, const CodecLimits& limits) {
  return std::make_unique<h2::ClientCodec>(owner, limits);
}

}  // namespace peerpulse::http
