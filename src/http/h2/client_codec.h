// ClientCodec: the h2 client side: requests out, responses in.
//
// Threading: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "reset_pacer.h"
#include "session.h"

namespace peerpulse::http::h2 {

class ClientCodec;

class ClientStream final : public H2StreamOf<RequestStream> {
 public:
  ClientStream(ClientCodec& codec, Session& session, ResponseReceiver& response)
      : H2StreamOf<RequestStream>(session, 0), codec_(codec), response_(response) {
    receiver = &response;
  }
  void sendHeaders(const RequestHead& head, bool end) override;
  void sendBodyEnd() override { sendEnd(HeaderList()); }
  void reset(ResetReason reason) override;
  void allow(size_t bytes) override { session_.allow(*this, bytes); }
  ResponseReceiver& response() { return response_; }

  std::unique_ptr<RequestHead> waiting;  ///< of a tunnel: until the peer's SETTINGS say whether it takes them
  std::string accept;                    ///< what the client's WebSocket key asks for

 private:
  ClientCodec& codec_;
  ResponseReceiver& response_;
};

class ClientCodec final : public http::ClientCodec, public Session {
 public:
  ClientCodec(ClientCodecOwner& owner, const CodecLimits& limits, bool secure)
      : Session(owner, limits, Side::kClient), owner_(owner), secure_(secure), pacer_(limits.unheardResets) {}

  Result<void> receive(Slice in) override;
  void receiveEof() override { connectionLost("end of file"); }
  void connectionLost(std::string_view detail) override;
  void produce(Buffer& out, size_t limit) override { produceBytes(out, limit); }
  bool finished() const override { return drained(); }
  size_t activeStreams() const override { return active(); }
  void drain() override;
  void goAway() override { sayGoodbye(); }
  void abandon() override { abandonAll(); }
  bool canOpenStream() const override;
  RequestStream& openStream(ResponseReceiver& receiver) override;
  bool wornOut() const override { return parting() > limits_.waitingResets; }
  bool submitPing(uint64_t payload) override;
  void secondsPassed(uint32_t seconds) override { timePassed(seconds); }
  const char* flood() const override { return floodKind(); }

  // What streams ask for.
  void submit(ClientStream& stream, const RequestHead& head, bool end);
  using Session::forget;

 private:
  /// What the server has said first: kUnknown ---> kFrames ---> kSettings. (h1 ends the connection.)
  enum class Greeting : uint8_t {
    kUnknown,
    kFrames,    ///< it speaks h2
    kSettings,  ///< and has said how
  };

  int onBeginHeaders(const nghttp2_frame& frame) override;
  bool onHeaders(H2Stream& stream, const nghttp2_frame& frame) override;
  int onConnectionFrame(const nghttp2_frame& frame) override;
  void onGoAway(const nghttp2_goaway& frame);
  void onResetSent(int32_t) override { pacer_.sent(); }
  bool resetWaits(const H2Stream& stream) override;
  void settleResets() override;
  bool mayBeUnheard(const H2Stream& stream) const;
  bool takesTunnels() const;
  void onSettings();
  /// Sends it as what the peer takes, or refuses it.
  void submitTunnel(ClientStream& stream, const RequestHead& head);
  void submitHead(ClientStream& stream, const RequestHead& head, bool end);
  void answerTunnel(ClientStream& stream, ResponseHead& head);
  void deliverHead(H2Stream& stream, HeaderBlock& block, bool informational) override;
  void deliverConnection(const Notification& notification) override;
  void deliverCapacity() override { owner_.onCapacityChanged(); }
  bool greetsInH1(std::string_view in);

  ClientCodecOwner& owner_;
  const bool secure_;
  Greeting greeting_ = Greeting::kUnknown;
  std::string firstBytes_;  ///< until they are known to be h2 or not
  ResetPacer pacer_;
  bool partingAnswered_ = false;  ///< since the last settleResets()
  std::string lastWords_;  ///< of a GOAWAY with an error: why the streams end that the connection takes with it
};

}  // namespace peerpulse::http::h2
