// Session: an nghttp2 session with its stream table; the base of both h2 codecs (RFC 9113).
//
// Bytes in: nghttp2_session_mem_recv() runs over the received slice, and the pointers of its data callback
// become sub-slices. Bytes out: DATA frames are a 9-byte head followed by the very slices sendData() took.
//
// Flow control: a received byte is given back to the connection window at once, to the stream window when
// its receiver calls consumed(). So a stalled stream never blocks the others, and it holds one window at
// most.
//
// Threading: one thread. Ownership: owns nghttp2's session and every stream that nghttp2 has not closed.
// Invariants: receivers are called only from flush(), never while nghttp2 is on the stack.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <nghttp2/nghttp2.h>

#include "glitch_meter.h"
#include "h2_stream.h"
#include "notification_queue.h"
#include "peerpulse/http/codec.h"

namespace peerpulse::http::h2 {

/// CONTINUATION frames one header block may have (faults A3).
inline constexpr size_t kMaxContinuations = 8;

class Session {
 public:
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // What streams ask for.
  void resume(H2Stream& stream);
  void consumed(H2Stream& stream, size_t n);
  void reset(H2Stream& stream, ResetReason reason);
  void outputReady();
  nghttp2_session* native() const { return session_; }
  bool dead() const { return dead_; }
  /// No frames from here on; streams stay until closeAll().
  void abandonAll() { dead_ = true; }
  /// A source for submit calls that send a body.
  static nghttp2_data_provider bodyProvider();
  void queue(Notification notification) { notifications_.push(std::move(notification)); }

 protected:
  enum class Side : uint8_t { kClient, kServer };

  Session(CodecOwner& owner, const CodecLimits& limits, Side side);
  virtual ~Session();

  Result<void> receiveBytes(const Slice& in);
  void produceBytes(Buffer& out, size_t limit);
  /// Tells every stream that the connection ended, and is finished.
  void closeAll(ResetReason reason, std::string_view detail);
  /// The same, after a GOAWAY that says which streams were served.
  void sayGoodbye();
  bool drained() const;
  size_t active() const { return active_; }
  size_t tableSize() const { return streams_.size(); }
  /// Enters a stream that nghttp2 knows under stream->id.
  H2Stream* adopt(std::unique_ptr<H2Stream> stream);
  H2Stream* find(int32_t id);
  void flush();
  void protocolReset(H2Stream& stream, uint32_t errorCode, std::string_view why);
  /// A section began: its decoding starts with what the message used so far.
  void beginBlock(H2Stream& stream, HeaderBudget used);

  const CodecLimits limits_;
  size_t active_ = 0;  ///< streams our user has: not detached, not closed

 private:
  friend struct SessionCallbacks;

  // Called from nghttp2; they only queue.
  virtual int onBeginHeaders(const nghttp2_frame& frame) = 0;
  /// False: the section broke the message; nothing more of it is handed on.
  virtual bool onHeaders(H2Stream& stream, const nghttp2_frame& frame) = 0;
  virtual void onConnectionFrame(const nghttp2_frame& frame) = 0;
  // Called from flush().
  virtual void deliverHead(H2Stream& stream, std::unique_ptr<HeaderBlock> block, bool informational) = 0;
  virtual void deliverConnection(Notification& notification) = 0;

  int onBeginFrame(const nghttp2_frame_hd& head);
  int onHeader(const nghttp2_frame& frame, std::string_view name, std::string_view value);
  int onFrame(const nghttp2_frame& frame);
  int onData(int32_t id, const uint8_t* at, size_t size);
  int onFrameSent(const nghttp2_frame& frame);
  int onClose(int32_t id, uint32_t errorCode);
  ssize_t readBody(int32_t id, size_t length, uint32_t* flags);
  int sendBody(int32_t id, const uint8_t* frameHead, size_t length);
  ssize_t frameLength(int32_t connectionWindow, int32_t streamWindow, uint32_t maxFrame) const;

  void announce();
  void markEnd(H2Stream& stream);
  void closeStream(H2Stream& stream, Notification::Kind kind, ResetReason reason, std::string text);
  void deliver(Notification& notification);
  void pump(Buffer& out, size_t limit);
  void fail(uint32_t errorCode, std::string text);
  void giveUp(ResetReason reason, std::string_view text);

  CodecOwner& owner_;
  const Side side_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<int32_t, std::unique_ptr<H2Stream>> streams_;
  NotificationQueue notifications_;
  GlitchMeter glitches_;
  size_t continuations_ = 0;      ///< of the header block being received
  Buffer control_;                ///< frames serialised by receiveBytes(), ahead of produceBytes()
  const Slice* input_ = nullptr;  ///< during nghttp2_session_mem_recv()
  Buffer* output_ = nullptr;      ///< during nghttp2_session_mem_send()
  size_t outputLimit_ = 0;        ///< body frames pause at this size of *output_; 0: no body at all
  bool flushing_ = false;
  bool dead_ = false;        ///< no more input is taken
  bool outputDead_ = false;  ///< nor is output
  std::string failure_;
  std::string lastProblem_;  ///< nghttp2's words on the last invalid frame
};

// --- H2StreamOf -----------------------------------------------------------------------------------------

template <class Interface>
void H2StreamOf<Interface>::sendData(Slice data) {
  if (detached || closed) return;
  PP_ASSERT(canSend());
  if (data.empty()) return;
  if (dropBody) {
    // The bytes go nowhere, but whoever gave them waits for its credit.
    if (sentUnreported == 0) {
      Notification sent;
      sent.kind = Notification::Kind::kBodySent;
      sent.stream = this;
      session_.queue(std::move(sent));
    }
    sentUnreported += data.size();
    session_.outputReady();
    return;
  }
  pending.append(std::move(data));
  session_.resume(*this);
}

template <class Interface>
void H2StreamOf<Interface>::sendEnd(const HeaderList& trailers) {
  if (detached || closed) return;
  PP_ASSERT(canSend());
  ended = true;
  if (!dropBody) outTrailers = trailers;
  session_.resume(*this);
}

template <class Interface>
void H2StreamOf<Interface>::consumed(size_t n) {
  if (detached) return;
  PP_ASSERT(n <= unconsumed);
  unconsumed -= n;
  session_.consumed(*this, n);
}

template <class Interface>
void H2StreamOf<Interface>::reset(ResetReason reason) {
  session_.reset(*this, reason);
}

}  // namespace peerpulse::http::h2
