// The h2 server side: requests in, responses out.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "peerpulse/base/assert.h"
#include "session.h"

namespace peerpulse::http::h2 {
namespace {

/// Payload of the PING whose ACK tells that the shutdown notice has arrived (RFC 9113 6.8).
constexpr std::array<uint8_t, 8> kDrainPing = {'p', 'p', 'd', 'r', 'a', 'i', 'n', 0};

class ServerStream final : public H2StreamOf<ResponseStream> {
 public:
  using H2StreamOf<ResponseStream>::H2StreamOf;

  void sendInformational(const ResponseHead& head) override {
    if (detached || closed) return;
    PP_ASSERT(!headersSent && head.status >= 100 && head.status < 200);
    if (head.status == 101) return;  // RFC 9113 8.6
    const std::string status = std::to_string(head.status);
    FieldArray fields;
    fields.add(":status", status);
    fields.addHeaders(head.headers);
    nghttp2_submit_headers(session_.native(), NGHTTP2_FLAG_NONE, id, nullptr, fields.data(), fields.size(), nullptr);
    session_.outputReady();
  }

  void sendHeaders(const ResponseHead& head, bool end) override {
    if (detached || closed) return;
    PP_ASSERT(!headersSent && head.status >= 200 && head.status <= 999);
    headersSent = true;
    ended = end;
    dropBody = headRequest || head.status == 204 || head.status == 304;
    const std::string status = std::to_string(head.status);
    FieldArray fields;
    fields.add(":status", status);
    fields.addHeaders(head.headers);
    const nghttp2_data_provider body = Session::bodyProvider();
    nghttp2_submit_response(session_.native(), id, fields.data(), fields.size(), end ? nullptr : &body);
    session_.outputReady();
  }
};

class ServerCodec final : public Codec, private Session {
 public:
  ServerCodec(ServerCodecOwner& owner, const CodecLimits& limits)
      : Session(owner, limits, Side::kServer), owner_(owner) {}

  Result<void> receive(Slice in) override { return receiveBytes(in); }
  void receiveEof() override { closeAll(ResetReason::kConnectionClosed, "end of file"); }
  void connectionLost(std::string_view detail) override { closeAll(ResetReason::kConnectionClosed, detail); }
  void produce(Buffer& out, size_t limit) override { produceBytes(out, limit); }
  bool finished() const override { return drained() && (drain_ != Drain::kNoticed || dead()); }
  size_t activeStreams() const override { return active(); }
  void drain() override;
  void goAway() override { sayGoodbye(); }

 private:
  enum class Drain : uint8_t { kNo, kNoticed, kFinal };

  int onBeginHeaders(const nghttp2_frame& frame) override;
  bool onHeaders(H2Stream& stream, const nghttp2_frame& frame) override;
  void onConnectionFrame(const nghttp2_frame& frame) override;
  void deliverHead(H2Stream& stream, std::unique_ptr<HeaderBlock> block, bool informational) override;
  void deliverConnection(Notification& notification) override {}
  void finalGoAway();

  ServerCodecOwner& owner_;
  Drain drain_ = Drain::kNo;
};

int ServerCodec::onBeginHeaders(const nghttp2_frame& frame) {
  H2Stream* stream = find(frame.hd.stream_id);
  if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    if (stream != nullptr) return 0;
    stream = adopt(std::make_unique<ServerStream>(static_cast<Session&>(*this), frame.hd.stream_id));
    ++active_;
    // Round robin between streams; the client's wishes are not ours to weigh (A7).
    nghttp2_extpri priority{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
    nghttp2_session_change_extpri_stream_priority(native(), stream->id, &priority, 1);
  }
  if (stream != nullptr) beginBlock(*stream, stream->gotHead ? stream->budget : HeaderBudget());
  return 0;
}

bool ServerCodec::onHeaders(H2Stream& stream, const nghttp2_frame& frame) {
  Notification notification;
  notification.stream = &stream;
  if (stream.gotHead) {
    if (stream.block->tooLarge()) {
      protocolReset(stream, NGHTTP2_PROTOCOL_ERROR, "trailer section over the limit");
      return false;
    }
    notification.kind = Notification::Kind::kTrailers;
  } else {
    if (stream.block->hostConflict()) {
      protocolReset(stream, NGHTTP2_PROTOCOL_ERROR, "Host differs from :authority");
      return false;
    }
    stream.gotHead = true;
    stream.budget = stream.block->used();
    stream.headRequest = stream.block->method() == "HEAD";
    if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) stream.block->markComplete();
    notification.kind = Notification::Kind::kHead;
  }
  notification.block = std::move(stream.block);
  queue(std::move(notification));
  return true;
}

void ServerCodec::deliverHead(H2Stream& base, std::unique_ptr<HeaderBlock> block, bool) {
  auto& stream = static_cast<ServerStream&>(base);
  // Opened and reset within one read: nobody needs to know (A1).
  if (stream.aborted) return;
  if (block->tooLarge()) {
    stream.receiver = owner_.onBadRequest(stream, 431, "header section over the limit");
  } else if (block->method() == "CONNECT") {
    stream.receiver = owner_.onBadRequest(stream, 405, "CONNECT is not supported");
  } else {
    Receiver* receiver = owner_.onRequest(stream, block->takeRequest());
    if (!stream.detached) stream.receiver = receiver;
    return;
  }
  if (stream.detached) stream.receiver = nullptr;
}

void ServerCodec::onConnectionFrame(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_PING || (frame.hd.flags & NGHTTP2_FLAG_ACK) == 0) return;
  if (drain_ != Drain::kNoticed) return;
  if (std::equal(kDrainPing.begin(), kDrainPing.end(), frame.ping.opaque_data)) finalGoAway();
}

void ServerCodec::drain() {
  if (dead()) return;
  if (drain_ == Drain::kNo) {
    // Requests already on their way when the notice arrives are still served: the real GOAWAY waits one
    // round trip. A second drain() does not wait.
    drain_ = Drain::kNoticed;
    nghttp2_submit_shutdown_notice(native());
    nghttp2_submit_ping(native(), NGHTTP2_FLAG_NONE, kDrainPing.data());
  } else if (drain_ == Drain::kNoticed) {
    finalGoAway();
  }
  outputReady();
}

void ServerCodec::finalGoAway() {
  drain_ = Drain::kFinal;
  nghttp2_submit_goaway(native(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(native()),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

}  // namespace
}  // namespace peerpulse::http::h2

namespace peerpulse::http {

std::unique_ptr<Codec> createH2ServerCodec(ServerCodecOwner& owner, const CodecLimits& limits) {
  return std::make_unique<h2::ServerCodec>(owner, limits);
}

}  // namespace peerpulse::http
