// ServerCodec: the h2 server side: requests in, responses out.
//
// Threading: one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "recent_ids.h"
#include "session.h"

namespace peerpulse::http::h2 {

class ServerStream final : public H2StreamOf<ResponseStream> {
 public:
  using H2StreamOf<ResponseStream>::H2StreamOf;
  void sendInformational(const ResponseHead& head) override;
  void sendHeaders(const ResponseHead& head, bool end) override;
  size_t room() const override;

 private:
  int statusOf(const ResponseHead& head) const;
  /// The fields of a head.
  FieldArray& fieldsOf(const ResponseHead& head, std::string& status);
};

class ServerCodec final : public Codec, public Session {
 public:
  ServerCodec(ServerCodecOwner& owner, const CodecLimits& limits)
      : Session(owner, limits, Side::kServer), owner_(owner), reset_(size_t{2} * limits.maxConcurrentStreams) {}

  Result<void> receive(Slice in) override { return receiveBytes(in); }
  void receiveEof() override { closeAll(ResetReason::kConnectionClosed, "end of file"); }
  void connectionLost(std::string_view detail) override { closeAll(ResetReason::kConnectionClosed, detail); }
  void produce(Buffer& out, size_t limit) override { produceBytes(out, limit); }
  bool finished() const override { return drained(); }
  size_t activeStreams() const override { return active(); }
  bool readingHead() const override { return decoding(); }
  void drain() override;
  void goAway() override { sayGoodbye(); }
  void holdPings(bool hold) override;
  void secondsPassed(uint32_t seconds) override { timePassed(seconds); }
  size_t takeExcessFrames() override { return takeExcess(); }
  const char* flood() const override { return floodKind(); }

 private:
  using PingPayload = std::array<uint8_t, 8>;

  int onBeginHeaders(const nghttp2_frame& frame) override;
  bool onHeaders(H2Stream& stream, const nghttp2_frame& frame) override;
  int onConnectionFrame(const nghttp2_frame& frame) override;
  int onHeadersFrame(const nghttp2_frame_hd& head) override;
  void onResetSent(int32_t id) override { reset_.add(id); }
  void onStreamClosed(int32_t id) override { ended_.add(id); }
  int onPing(const PingPayload& payload);
  int answerPing(const PingPayload& payload);
  void deliverHead(H2Stream& stream, HeaderBlock& block, bool informational) override;
  void finalGoAway();

  ServerCodecOwner& owner_;
  bool pingsHeld_ = false;
  std::vector<PingPayload> heldPings_;  ///< the oldest first
  int32_t newest_ = 0;                  ///< stream of the client
  RecentIds reset_;                     ///< by us: frames for them may have been on the way
  RecentIds ended_{64};
};

}  // namespace peerpulse::http::h2
