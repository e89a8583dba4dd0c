// Attempt: one try of a request: the wait for a connection, and one stream on it.
//
//   Idle --begin()--> Waiting --connection--> Streaming --response complete--> Answered --both directions over--> Idle
//                        |                        |                                |
//                        +-- none to be had ------+-- lost ------------------------+--> Idle
//   cancel() from anywhere: Idle, and nothing more is told
//
// It knows the connection, so that its request need not: what happened on it is reported there (failures in a row, one
// loss a connection, h1's end by RST when a stream is given up).
//
// Threading: its worker's thread. Ownership: part of its request; begun again for a retry.
#pragma once

#include <string_view>

#include "peerpulse/http/codec.h"
#include "peerpulse/upstream/failure.h"
#include "peerpulse/upstream/options.h"
#include "peerpulse/upstream/waiter.h"

namespace peerpulse::upstream {

class Pool;

/// How a stream was lost.
struct Loss {
  http::ResetReason reason{};
  std::string_view detail;        ///< lives during the call only
  bool connectionReused = false;  ///< it had carried requests before
  bool connectionEnding = false;  ///< the peer had said GOAWAY on it
  Party party = Party::kPeer;     ///< whose doing it was
  bool countsAsFailure = false;   ///< of the peer: its circuit is told
  bool said = false;              ///< the peer's RST_STREAM said `reason`
  int error = 0;                  ///< of its connection: an errno value, a TlsFailure, or 0
};

class AttemptOwner {
 public:
  virtual ~AttemptOwner() = default;
  /// The stream is open: the head must be sent during this call.
  virtual void onAttemptOpen(http::RequestStream& stream) = 0;
  /// The peer cannot go on without more of the request, and its client has sent nothing for some time.
  virtual bool clientSilent() const = 0;
  virtual void onAttemptInformational(http::ResponseHead&& head) = 0;
  virtual void onAttemptHead(http::ResponseHead&& head) = 0;
  virtual void onAttemptData(Slice data) = 0;
  virtual void onAttemptTrailers(http::HeaderList&& trailers) = 0;
  /// The response is complete.
  virtual void onAttemptEnd() = 0;
  virtual void onAttemptBodySent(size_t n) = 0;
  // One of these three ends the attempt.
  virtual void onAttemptClosed() = 0;
  virtual void onAttemptLost(const Loss& loss) = 0;
  virtual void onNoConnection(PoolFailure failure, const Error& error) = 0;
};

class Attempt final : Waiter, http::ResponseReceiver {
 public:
  enum class State : uint8_t { kIdle, kWaiting, kStreaming, kAnswered };

  explicit Attempt(AttemptOwner& owner) : owner_(owner) {}
  ~Attempt() override { cancel(http::ResetReason::kCancel); }

  /// Requires Idle. onAttemptOpen() or onNoConnection() may come from inside.
  void begin(Pool& pool, Protocol protocol);
  /// The peer has let a deadline pass: one more failure of its connection, if there is one.
  void onPeerLate();
  /// Gives up the place in the pool, or the stream; kNoError: of a tunnel whose ways have both ended.
  void cancel(http::ResetReason reason);
  /// Null unless a stream is open.
  http::RequestStream* stream() { return stream_; }
  State state() const { return state_; }
  /// It waits for a connection, and none has been in the making since `from`: it was our limits or the verdict that
  /// allowed no more, and the peer was asked too late to be blamed.
  bool waitsForUs(TimePoint from) const;

 private:
  // Waiter
  void onConnection(PooledConnection& connection) override;
  void onNoConnection(PoolFailure failure, const Error& error) override;
  // http::ResponseReceiver
  void onInformational(http::ResponseHead&& head) override { owner_.onAttemptInformational(std::move(head)); }
  void onHeaders(http::ResponseHead&& head) override { owner_.onAttemptHead(std::move(head)); }
  void onData(Slice data) override { owner_.onAttemptData(std::move(data)); }
  void onTrailers(http::HeaderList&& trailers) override { owner_.onAttemptTrailers(std::move(trailers)); }
  void onEnd() override;
  void onBodySent(size_t n) override { owner_.onAttemptBodySent(n); }
  void onClosed() override;
  void onReset(http::ResetReason reason, std::string_view detail) override;

  void enter(State to);
  PooledConnection& leaveConnection();

  AttemptOwner& owner_;
  State state_ = State::kIdle;
  const Pool* pool_ = nullptr;              // of the last begin()
  Protocol protocol_ = Protocol::kAuto;     // the same
  PooledConnection* connection_ = nullptr;  // while there is a stream
  http::RequestStream* stream_ = nullptr;
};

}  // namespace peerpulse::upstream
