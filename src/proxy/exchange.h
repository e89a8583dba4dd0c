// Exchange: one request and its response through us: admission by the circuit, a stream to the peer, the two
// bodies with their credit, the deadlines, and the answer when the peer cannot give one.
//
//   Admitting -> Held -> Admitting           the verdict is awaited
//   Admitting -> WaitingForPool -> Streaming -> Done
//   Streaming -> BackingOff -> Admitting     a retry
//   any -> Failing -> Done                   a local answer is on its way, or the stream was reset
//
// Back-pressure needs no state here: bytes the one side sent are given back as credit to the other side they
// came from (onBodySent -> consumed).
//
// Threading: its worker's thread.
// Ownership: owned by its DownstreamConnection; ends by deferred deletion when both streams have ended.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "access_log.h"
#include "deadlines.h"
#include "local_reply.h"
#include "peerpulse/health/outcome.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/proxy/peer_proxy.h"
#include "peerpulse/upstream/connection_pool.h"
#include "proxy_error.h"

namespace peerpulse::proxy {

class DownstreamConnection;

class Exchange : public event::DeferredDeletable,
                 public upstream::PendingRequest,
                 public ListNode<PeerExchangeTag>,
                 public ListNode<HeldTag> {
 public:
  Exchange(PeerProxy& peer, DownstreamConnection& downstream, http::ResponseStream& stream, http::RequestHead&& head);
  ~Exchange() override;

  void start();
  /// The request was malformed: answers `status` and nothing else.
  void rejectBadRequest(int status, std::string_view detail);
  /// While held: the peer's verdict is in, or will not come in time, or the ramp lets this one go.
  void onTurn();
  /// The peer is dead: the exchange fails now.
  void onPeerDown(const health::CircuitWord& word);
  /// The peer is dead, and the connection this came by is about to be reset for it: notes why.
  void noteRefusal(const health::CircuitWord& word);
  /// Admitted through the circuit, and not ended.
  bool inFlight() const { return ListNode<PeerExchangeTag>::linked(); }
  DownstreamConnection& downstream() { return downstream_; }
  /// The access log's line, if finish() left it for later.
  void writeLog();
  /// The head of an answer was given to the downstream stream.
  bool answering() const { return responseStarted_ || state_ == State::kFailing; }
  http::Receiver* requestReceiver() { return &requestSide_; }

  std::list<std::unique_ptr<Exchange>>::iterator self;  ///< the place in the connection's list

 private:
  enum class State : uint8_t { kAdmitting, kHeld, kWaitingForPool, kBackingOff, kStreaming, kFailing, kDone };

  // What the downstream stream tells.
  struct RequestSide : http::Receiver {
    explicit RequestSide(Exchange& e) : exchange(e) {}
    void onData(Slice data) override { exchange.onRequestData(std::move(data)); }
    void onTrailers(http::HeaderList&& trailers) override { exchange.requestTrailers_ = std::move(trailers); }
    void onEnd() override { exchange.onRequestEnd(); }
    void onBodySent(size_t n) override { exchange.onResponseBodySent(n); }
    void onClosed() override { exchange.onDownstreamClosed(); }
    void onReset(http::ResetReason reason, std::string_view detail) override {
      exchange.onDownstreamReset(reason, detail);
    }
    Exchange& exchange;
  };
  // What the upstream stream tells.
  struct ResponseSide : http::ResponseReceiver {
    explicit ResponseSide(Exchange& e) : exchange(e) {}
    void onInformational(http::ResponseHead&& head) override { exchange.onInformational(std::move(head)); }
    void onHeaders(http::ResponseHead&& head) override { exchange.onResponseHead(std::move(head)); }
    void onData(Slice data) override { exchange.onResponseData(std::move(data)); }
    void onTrailers(http::HeaderList&& trailers) override { exchange.responseTrailers_ = std::move(trailers); }
    void onEnd() override { exchange.onResponseEnd(); }
    void onBodySent(size_t n) override { exchange.onRequestBodySent(n); }
    void onClosed() override { exchange.onUpstreamClosed(); }
    void onReset(http::ResetReason reason, std::string_view detail) override {
      exchange.onUpstreamReset(reason, detail);
    }
    Exchange& exchange;
  };

  // Admission and pools.
  void admit(bool inTurn = false);
  void enter(const health::CircuitWord& word, bool inTurn);
  void takeTrial(const health::CircuitWord& word);
  void holdForVerdict();
  void holdForRamp();
  void acquire();
  void leaveQueues();
  void onPoolReady(upstream::PooledConnection& connection) override;
  void onPoolFailure(upstream::PoolFailure failure, const Error& error) override;

  // The request, downstream to upstream.
  void onRequestData(Slice data);
  void onRequestEnd();
  void onRequestBodySent(size_t n);
  void sendRequest();
  void forwardRequestBody();
  void keepForReplay(const Slice& data);

  // The response, upstream to downstream.
  void onInformational(http::ResponseHead&& head);
  void onResponseHead(http::ResponseHead&& head);
  void onResponseData(Slice data);
  void onResponseEnd();
  void onResponseBodySent(size_t n);

  // Ends.
  void onUpstreamClosed();
  void onUpstreamReset(http::ResetReason reason, std::string_view detail);
  void onDownstreamClosed();
  void onDownstreamReset(http::ResetReason reason, std::string_view detail);
  bool retry(http::ResetReason reason, bool connectionEnding);
  void fail(const Failure& failure);
  void failFast(const health::CircuitWord& word);
  void answerLocally(const Failure& failure);
  void sendReply(const PreparedReply& reply);
  void resetDownstream(http::ResetReason reason);
  void dropUpstream(http::ResetReason reason);
  void recordOutcome(health::Outcome outcome);
  void finish();

  void armTimer();
  void onTimer();
  void onExpiry(Expiry expiry);
  TimePoint now() const;
  const Route& route() const;

  PeerProxy& peer_;
  DownstreamConnection& downstream_;
  RequestSide requestSide_{*this};
  ResponseSide responseSide_{*this};
  State state_ = State::kAdmitting;

  http::ResponseStream* downstreamStream_;
  http::RequestStream* upstreamStream_ = nullptr;
  upstream::PooledConnection* connection_ = nullptr;  // while upstreamStream_ is set

  http::RequestHead head_;
  const bool grpc_;
  Buffer requestBody_;  // received, not yet given to the upstream stream; bounded by the stream's window
  http::HeaderList requestTrailers_;
  bool requestEnded_ = false;
  bool requestEndSent_ = false;
  Buffer replay_;  // what was given to the upstream stream, while it is small enough to be sent again
  bool replayable_ = true;
  bool sentUpstream_ = false;  // the peer may have seen something of the request
  uint64_t bodySent_ = 0;      // of this attempt
  uint64_t bodyCredited_ = 0;  // given back to the client; a retry must not give it back again

  http::HeaderList responseTrailers_;
  bool responseStarted_ = false;
  bool responseEnded_ = false;
  bool responseEndSent_ = false;

  size_t routeIndex_ = 0;
  uint32_t retries_ = 0;
  bool reusedConnection_ = false;
  bool trial_ = false;  // holds the half-open circuit's permit
  bool outcomeRecorded_ = false;
  uint16_t generation_ = 0;
  std::optional<Deadlines> deadlines_;
  bool heldLongEnough_ = false;
  TimePoint wakeAt_ = TimePoint::max();  // Held: until then; BackingOff: the next attempt
  TimePoint timerArmedFor_ = TimePoint::max();
  std::unique_ptr<event::Timer> timer_;  // fires at the earliest of wakeAt_ and the deadlines
  AccessRecord record_;
  Duration took_{};
  bool logPending_ = false;
};

}  // namespace peerpulse::proxy
