// Session: an nghttp2 session with its stream table; the base of both h2 codecs (RFC 9113).
//
// Bytes in: nghttp2_session_mem_recv() runs over the received slice, and the pointers of its data callback
// become sub-slices. Bytes out: DATA frames are a 9-byte head followed by the very slices sendData() took.
//
// Flow control: a received byte is given back to the connection window at once, to the stream window when
// its receiver calls consumed(). So a stalled stream never blocks the others, and it holds one window at
// most. A client's streams begin with a small window, and open it as far as their users allow().
//
// DATA frames: what came in one frame goes on in no smaller ones than peers take (../small_frame.h); where a window would
// cut a small one, the peer's WINDOW_UPDATE is awaited, at most until a barrier proves that none is to come.
//
// Threading: one thread.
// Ownership: owns nghttp2's session and every stream. nghttp2 knows a stream by its user data, from its HEADERS
//   until it or we closed the stream.
// Invariants: receivers are called only from flush(), never while nghttp2 is on the stack.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "../piece_joiner.h"
#include "barrier.h"
#include "frame_budgets.h"
#include "h2_stream.h"
#include "head_room.h"
#include "notification_queue.h"
#include "peerpulse/base/assert.h"
#include "peerpulse/http/codec.h"

namespace peerpulse::http::h2 {

/// CONTINUATION frames one header block may have (faults A3).
inline constexpr size_t kMaxContinuations = 8;

class Session {
 public:
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Life life() const { return life_.now(); }
  const std::vector<std::unique_ptr<H2Stream>>& streams() const { return streams_; }

  // What streams ask for.
  /// There is more to send on it.
  void bodyGiven(H2Stream& stream, Outgoing next);
  /// Body bytes left, or went nowhere.
  void noteSent(H2Stream& stream, size_t n);
  void consumed(H2Stream& stream, size_t n);
  void allow(H2Stream& stream, size_t bytes);
  void reset(H2Stream& stream, ResetReason reason);
  void outputReady() { owner_.onOutputReady(); }
  nghttp2_session* native() const { return session_; }
  /// For one section at a time.
  FieldArray& fields() {
    fields_.clear();
    return fields_;
  }
  /// A source for submit calls that send a body.
  static nghttp2_data_provider bodyProvider();

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
  /// No frames from here on; streams stay until closeAll().
  void abandonAll();
  bool drained() const;
  /// A field section has begun and is not complete.
  bool decoding() const { return blockOf_ != nullptr; }
  void timePassed(uint32_t seconds) { budgets_.secondsPassed(seconds); }
  size_t takeExcess() { return budgets_.takeExcess(); }
  const char* floodKind() const { return flood_; }
  /// No stream will begin or go on.
  bool over() const { return life_.is(Life::kGoodbye, Life::kAbandoned, Life::kClosed); }
  /// Streams our user has.
  size_t active() const { return countOf(Hold::kOpen); }
  /// Streams nghttp2 has or will get.
  size_t openStreams() const {
    return countOf(Hold::kOpen) + parting() + countOf(Hold::kForsaken) + countOf(Hold::kLeft);
  }
  /// Streams whose reset waits.
  size_t parting() const { return countOf(Hold::kParting); }
  /// A parting stream's turn has come.
  void sendReset(H2Stream& stream);
  /// What proves that the peer has read all that was sent up to now.
  uint64_t askPeer();
  bool heardOf(uint64_t barrier) const { return barrier_.passed(barrier); }
  /// For nghttp2's callbacks: ends the connection with ENHANCE_YOUR_CALM.
  int endAsFlood(const char* kind);
  /// The same with another error.
  int endWith(uint32_t errorCode, std::string why);
  /// Enters a stream; with an id, one that nghttp2 knows.
  H2Stream& adopt(std::unique_ptr<H2Stream> stream);
  H2Stream* find(int32_t id) { return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session_, id)); }
  /// nghttp2 has closed the stream, or shall not name it again.
  void closeStream(H2Stream& stream, ResetReason reason, std::string text);
  void closeInOrder(H2Stream& stream);
  /// Drops a stream that nghttp2 never knew, without a word.
  void forget(H2Stream& stream);
  void flush();
  void protocolReset(H2Stream& stream, uint32_t errorCode, std::string_view why);
  /// A section of `stream` begins; null: one that nobody wants.
  void beginBlock(H2Stream* stream);
  /// The section that was decoded.
  HeaderBlock& block() { return *block_; }
  void queueBlock(Notification::Kind kind, H2Stream& stream);
  Notification& queue(Notification::Kind kind, H2Stream* stream = nullptr) {
    return notifications_.push(kind, stream);
  }
  /// Streams may be opened that could not be before, or the reverse.
  void noteCapacity() { capacityChanged_ = true; }

  const CodecLimits limits_;
  Machine<Life> life_{Life::kOpen};

 private:
  friend struct SessionCallbacks;

  // Called from nghttp2; they only queue.
  virtual int onBeginHeaders(const nghttp2_frame& frame) = 0;
  /// False: the section broke the message; nothing more of it is handed on.
  virtual bool onHeaders(H2Stream& stream, const nghttp2_frame& frame) = 0;
  /// Returns what nghttp2's callback is to return.
  virtual int onConnectionFrame(const nghttp2_frame& frame) = 0;
  virtual void onResetSent(int32_t /*id*/) {}
  /// A HEADERS frame begins; what nghttp2's callback is to return.
  virtual int onHeadersFrame(const nghttp2_frame_hd& /*head*/) { return 0; }
  virtual void onStreamClosed(int32_t /*id*/) {}
  // Called from flush().
  virtual void deliverHead(H2Stream& stream, HeaderBlock& block, bool informational) = 0;
  virtual void deliverConnection(const Notification& notification) {}
  virtual void deliverCapacity() {}
  // Called by what streams ask for, and before output is made.
  /// Whether the reset of a stream that our user gave up has to wait; it is kParting then.
  virtual bool resetWaits(const H2Stream& stream) { return false; }
  virtual void settleResets() {}

  int onBeginFrame(const nghttp2_frame_hd& head);
  int onHeader(std::string_view name, std::string_view value);
  int onFrame(const nghttp2_frame& frame);
  int onData(int32_t id, const uint8_t* at, size_t size);
  int onFrameSent(const nghttp2_frame& frame);
  void onResetFrameSent(const nghttp2_frame& frame);
  int onClose(int32_t id, uint32_t errorCode);
  int spend(Glitch kind);
  /// What the section being decoded has beyond what was sent for it.
  size_t blockExcess() const;
  void onStreamWindow(H2Stream& stream, uint32_t n);
  void onConnectionWindow(uint32_t n);
  void onSettings(bool ack);
  /// Of a client's stream, as wide as is allowed.
  void openWindow(const H2Stream& stream);
  void queueData(H2Stream& stream, Slice piece);
  /// What waited for more of its DATA frame, of which there is no more.
  void queueJoined();
  // Outgoing bodies (session_bodies.cc).
  ssize_t readBody(int32_t id, size_t length, uint32_t* flags);
  bool submitTrailers(const H2Stream& stream);
  int sendBody(int32_t id, const uint8_t* frameHead, size_t length);
  ssize_t frameLength(int32_t connectionWindow, int32_t streamWindow, uint32_t maxFrame) const;
  /// Of the next frame; 0: it waits.
  size_t bodyFrame(H2Stream& stream, size_t room);
  size_t windowLeft(const H2Stream& stream) const;
  bool moreRoomIsOwed(const H2Stream& stream) const;
  void awaitWindow(H2Stream& stream);
  void changeSmallCut(H2Stream& stream, SmallCut next);
  /// The window may have grown, or a barrier was passed.
  void reconsider(H2Stream& stream);
  void reconsiderAll();
  void submitBarrier();

  size_t streamWindow() const { return std::min<size_t>(limits_.streamWindow, NGHTTP2_MAX_WINDOW_SIZE); }
  size_t firstWindow() const { return std::min(limits_.firstWindow, streamWindow()); }
  void announce();
  void markEnd(H2Stream& stream);
  void deliver(Notification& notification);
  void deliverToReceiver(Receiver& receiver, Notification& notification);
  void deliverLast(const Notification& notification);
  void pump(Buffer& out, size_t limit);
  void fail(uint32_t errorCode, std::string_view text);
  void giveUp(ResetReason reason, std::string_view text);
  void moveTo(H2Stream& stream, Hold next);
  /// Our user has said all he had to say on it, and heard all: nothing is to be taken back.
  bool mayBeLeft(const H2Stream& stream) const;
  /// Takes a stream out of the table.
  std::unique_ptr<H2Stream> remove(H2Stream& stream);
  void letGo(H2Stream& stream);
  void keep(std::unique_ptr<HeaderBlock> block);
  size_t countOf(Hold hold) const { return counts_[static_cast<size_t>(hold)]; }

  CodecOwner& owner_;
  const Side side_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::unique_ptr<H2Stream>> streams_;
  std::array<size_t, 7> counts_{};  ///< of streams_ by Hold
  size_t awaitingWindow_ = 0;       ///< of streams_: SmallCut::kAwaited
  NotificationQueue notifications_;
  bool capacityChanged_ = false;
  bool flushing_ = false;  ///< flush() is on the stack
  bool heard_ = false;     ///< something came
  FieldArray fields_;
  std::unique_ptr<HeaderBlock> block_;               ///< of the section being decoded; h2 allows one at a time
  H2Stream* blockOf_ = nullptr;                      ///< whose it is; null: nobody's
  std::vector<std::unique_ptr<HeaderBlock>> spare_;  ///< to be used again
  FrameBudgets budgets_;
  Barrier barrier_;
  PieceJoiner joiner_;        ///< of the DATA frame being received
  int32_t dataOf_ = 0;        ///< its stream
  size_t frameLeft_ = 0;      ///< of it; with padding
  uint64_t uncredited_ = 0;   ///< body bytes on the wire that no WINDOW_UPDATE gave back to the connection yet
  size_t continuations_ = 0;  ///< of the header block being received
  size_t blockReceived_ = 0;  ///< bytes of it, as they came
  size_t blockBegan_ = 0;     ///< what its message had used up before it
  HeadRoom headRoom_;
  const char* flood_ = nullptr;                    ///< the kind that ended the connection
  Buffer control_;                                 ///< frames serialised by receiveBytes(), ahead of produceBytes()
  const Slice* input_ = nullptr;                   ///< during nghttp2_session_mem_recv()
  Buffer* output_ = nullptr;                       ///< during nghttp2_session_mem_send()
  size_t outputLimit_ = 0;                         ///< body frames pause at this size of *output_; 0: no body at all
  std::string failure_;                            ///< what the remote side did wrong
  std::string lastProblem_;                        ///< nghttp2's words on the last invalid frame
  uint32_t ownError_ = NGHTTP2_ENHANCE_YOUR_CALM;  ///< of the connection, where it is us who found it
};

// --- H2StreamOf -----------------------------------------------------------------------------------------

template <class Interface>
void H2StreamOf<Interface>::sendData(Slice data) {
  if (!hold.is(Hold::kOpen)) return;
  PP_ASSERT(outgoing.is(Outgoing::kBody, Outgoing::kStarved));
  if (data.empty()) return;
  if (dropBody) {
    // The bytes go nowhere, but whoever gave them waits for its credit.
    session_.noteSent(*this, data.size());
    session_.outputReady();
    return;
  }
  pending.append(std::move(data));
  session_.bodyGiven(*this, Outgoing::kBody);
}

template <class Interface>
void H2StreamOf<Interface>::sendEnd(const HeaderList& trailers) {
  if (!hold.is(Hold::kOpen)) return;
  PP_ASSERT(outgoing.is(Outgoing::kBody, Outgoing::kStarved));
  if (!dropBody) outTrailers = trailers;
  session_.bodyGiven(*this, Outgoing::kEnded);
}

template <class Interface>
void H2StreamOf<Interface>::consumed(size_t n) {
  if (receiver == nullptr) return;
  PP_ASSERT(n <= unconsumed);
  unconsumed -= n;
  session_.consumed(*this, n);
}

template <class Interface>
void H2StreamOf<Interface>::reset(ResetReason reason) {
  session_.reset(*this, reason);
}

}  // namespace peerpulse::http::h2
