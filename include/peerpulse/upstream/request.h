// Request: everything between "somebody wants this from that peer" and its one end: admission by the peer's circuit, the
// wait for a verdict or for its turn, attempts, retries, deadlines and replay. Its owner gets the response and gives the
// body; it may be an exchange with a client, or one of many that a fan-out has. A Request knows nothing of either.
//
//   Admitting --verdict awaited, ramp--> Held --its turn--> Admitting
//   Admitting --> Waiting (for a connection) --> Sending --response head--> Answering --response complete--> Answered
//   Waiting, Sending --worth another try--> BackingOff --> Admitting
//   Waiting, Sending, Answering --failed, with many others--> Failing (told in its turn)
//   Answered --both directions over--> Ended;  any --failure, cancel()--> Ended
// The state decides which list of its Peer the request is in: Held: those held; Waiting to Failing: those in flight.
//
// It ends exactly once: by onRequestClosed(), by onRequestFailed(), or by cancel(), after which nothing is told any more.
//
// Threading: its worker's thread.
// Ownership: its owner's; callbacks run inside it, so it is let go of by deferred deletion (with its owner). The peer and
//   the head outlive it or its end, whichever is first; the options it began with are pinned.
// Memory: body bytes given with sendData() wait here until they are sent: the owner bounds them by the credit of
//   onRequestBodySent().
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "peerpulse/base/linked_list.h"
#include "peerpulse/event/scheduler.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/health/outcome.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/upstream/attempt.h"
#include "peerpulse/upstream/deadlines.h"
#include "peerpulse/upstream/failure.h"
#include "peerpulse/upstream/governor_ticket.h"
#include "peerpulse/upstream/options.h"
#include "peerpulse/upstream/phase.h"
#include "peerpulse/upstream/replay_buffer.h"
#include "peerpulse/upstream/trial.h"

namespace peerpulse::upstream {

class Peer;

/// What a request tells its owner.
class RequestOwner {
 public:
  virtual ~RequestOwner() = default;
  /// A 1xx other than 101.
  virtual void onInformational(http::ResponseHead&& head) = 0;
  /// The final head; also 101, after which both directions are a tunnel.
  virtual void onResponseHead(http::ResponseHead&& head) = 0;
  virtual void onResponseData(Slice data) = 0;
  virtual void onResponseTrailers(http::HeaderList&& trailers) = 0;
  /// The response is complete; the request's own direction may go on.
  virtual void onResponseEnd() = 0;
  /// `n` more bytes of the body went out. Bytes that are sent again are not told again.
  virtual void onRequestBodySent(size_t n) = 0;
  /// Both directions are over.
  virtual void onRequestClosed() = 0;
  virtual void onRequestFailed(const Failure& failure) = 0;
};

struct RequestSpec {
  const http::RequestHead* head = nullptr;  ///< outlives the request
  TrafficClass trafficClass = TrafficClass::kControl;
  OptionsRef options;
  /// The caller's own deadline (grpc-timeout), which shortens ours.
  std::optional<Duration> deadline;
  /// How long the owner waits for the peer, time not counted in which the peer owes nothing. What passes it is late (Party::kPeer),
  /// but tells nothing of the peer to its circuit or its connections: it may be our own impatience.
  std::optional<Duration> patience;
  /// On a connection that no other request of its class uses: a second try of what a first one is late with must not wait behind
  /// it.
  bool apart = false;
  /// How much of the body is kept to be sent again.
  size_t replayLimit = 64 * 1024;
  /// The answer is of use only whole: a stream of events is late like any other that does not end.
  bool wholeAnswer = false;
  /// http::RequestStream::allow() of each attempt; Request::allow() adds to it.
  size_t answerRoom = SIZE_MAX;
};

struct HeldTag {};
struct InFlightTag {};
struct FailingTag {};

class Request final : public ListNode<HeldTag>,
                      public ListNode<InFlightTag>,
                      public ListNode<FailingTag>,
                      AttemptOwner {
 public:
  enum class State : uint8_t {
    kAdmitting,
    kHeld,
    kWaiting,
    kSending,
    kAnswering,
    kAnswered,
    kBackingOff,
    kFailing,
    kEnded
  };

  Request(Peer& peer, RequestSpec spec, RequestOwner& owner);
  ~Request() override;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  /// Once. May call back, even with the end.
  void start();
  /// After the end: no-op, the bytes are the owner's to account for.
  void sendData(Slice data);
  /// Ends the first of two bodies (http::RequestHead::secondBody).
  void sendBodyEnd();
  void sendEnd(http::HeaderList&& trailers);
  /// The owner has let go of `n` bytes of the response's body.
  void consumed(size_t n);
  /// So much of the response's body may be with us and the owner; less than before changes nothing.
  void allow(size_t bytes);
  /// `reason`: what an h2 peer hears of it.
  void cancel(http::ResetReason reason = http::ResetReason::kCancel);

  State state() const { return state_; }
  bool ended() const { return state_ == State::kEnded; }
  uint32_t retries() const { return retries_; }
  /// How far it is, or was when it failed or was cancelled.
  Phase phase() const { return ended() || state_ == State::kFailing ? endedIn_ : phaseNow(); }
  const StepTimes& times() const { return times_; }
  /// The peer may have seen something of it.
  bool sent() const { return sent_; }
  /// When it came to be held, since it was last let go; only while held.
  TimePoint heldSince() const { return heldSince_; }
  /// The peer has all of it that there is, and cannot go on without more. False once an answer has begun.
  bool awaitsClient() const { return state_ == State::kSending && !peerOwes(); }
  /// The present attempt has put all of it on the wire, the end of its body as well.
  bool wholeSent() const {
    return bodyEndSent_ && bodySent_ == bodyGiven_ && attempt_.state() != Attempt::State::kIdle;
  }
  /// Of one that has ended without an answer: the peer had all of it, and did not say that it had left it alone.
  bool mayHaveTakenEffect() const { return mayHaveTakenEffect_; }
  /// Of the body, to the peer: the most that one attempt sent.
  uint64_t bodyBytesSent() const { return bodyCredited_; }

  // For its Peer.
  /// While held: the verdict is in, or will not come in time, or the ramp lets this one go.
  void onTurn();
  /// The peer is dead: the request fails now.
  void onPeerDown(const Failure& refusal) { fail(refusal); }
  /// While failing: its owner is told.
  void onFailureTurn();
  /// The peer has been removed from the configuration.
  void onPeerGone();

 private:
  /// Of a request with two bodies; the others leave it at kOpen. kOpen ---> kEnded ---> kSent (by this attempt) ---> kOpen
  enum class FirstBody : uint8_t {
    kOpen,   ///< it goes on, or the peer has asked for the other one
    kEnded,  ///< sendBodyEnd() was called
    kSent,   ///< its end is with the stream, and the peer owes an answer or another 100
  };

  // Admission and attempts (request.cc).
  void admit(bool inTurn);
  void go(const health::CircuitWord& word, bool inTurn);
  void takeTrial(const health::CircuitWord& word);
  bool governed() const;
  bool tooManyWait();
  void holdForVerdict();
  void holdForRamp();
  void attempt();
  void enter(State to);
  bool inFlight() const { return ListNode<InFlightTag>::linked(); }
  Phase phaseNow() const;

  // The two directions (request_flow.cc).
  void onAttemptOpen(http::RequestStream& stream) override;
  bool clientSilent() const override;
  void sendHead(http::RequestStream& stream);
  bool tunnelAwaited() const;
  void forwardBody();
  void onAttemptBodySent(size_t n) override;
  void onAttemptInformational(http::ResponseHead&& head) override;
  void onAttemptHead(http::ResponseHead&& head) override;
  void onAttemptData(Slice data) override;
  void onAttemptTrailers(http::HeaderList&& trailers) override;
  void onAttemptEnd() override;

  // Ends, retries and deadlines (request_end.cc).
  void onAttemptClosed() override;
  void onAttemptLost(const Loss& loss) override;
  void onNoConnection(PoolFailure failure, const Error& error) override;
  bool retry(const Loss& loss);
  bool connectAgain(int code);
  bool goAgain(Duration delay, bool charged);
  void failInTurn(Failure failure);
  void fail(const Failure& failure);
  void leave(http::ResetReason reason);
  void report(health::Outcome outcome);
  /// Nothing more of a body is to come by itself.
  bool bodyGivenToItsEnd() const { return bodyEnded_ || firstBody_ != FirstBody::kOpen; }
  bool peerOwes() const;
  bool awaitsContinue() const;
  void settleDebt(TimePoint at);
  void noteAsked(TimePoint at);
  stats::LatencyWindow& latency() const;
  void measureAnswer(TimePoint at);
  void measureEnd(TimePoint at, bool byDeadline);
  void armTimer();
  void onTimer();
  void onExpiry(Expiry expiry);
  void blameUs(Failure& failure) const;
  /// The loop's own time.
  TimePoint now() const;

  Peer& peer_;
  const RequestSpec spec_;
  RequestOwner& owner_;
  State state_ = State::kAdmitting;
  Attempt attempt_{*this};
  Trial trial_;
  GovernorTicket ticket_;
  uint16_t generation_ = 0;  // of the circuit word it was admitted under

  Buffer body_;  // given, not yet with the stream
  ReplayBuffer replay_;
  http::HeaderList trailers_;
  FirstBody firstBody_ = FirstBody::kOpen;
  bool bodyEnded_ = false;     // sendEnd() was called, or there is no body
  bool bodyEndSent_ = false;   // by this attempt
  bool tunnel_ = false;        // the answer was 101
  uint64_t bodyGiven_ = 0;     // to this attempt's stream
  uint64_t bodySent_ = 0;      // by this attempt
  uint64_t bodyCredited_ = 0;  // told the owner

  size_t answerRoom_;        // what each attempt's stream is allowed
  uint64_t unconsumed_ = 0;  // of the response's body: told, and not let go of

  uint32_t retries_ = 0;
  Phase endedIn_ = Phase::kQueue;
  TimePoint wantedAt_;  // a connection for the attempt
  StepTimes times_;
  bool sent_ = false;
  bool mayHaveTakenEffect_ = false;
  bool heard_ = false;  // of this attempt: a 1xx
  bool heldLongEnough_ = false;
  bool outcomeReported_ = false;
  Deadlines deadlines_;
  TimePoint clientsTurnSince_ = TimePoint::max();  // the peer waits for more of the request
  TimePoint askedAt_ = TimePoint::max();  // the attempt had put all of it on the wire, and no answer has come since
  std::unique_ptr<Failure> failure_;      // while failing
  TimePoint heldSince_ = TimePoint::max();
  TimePoint wakeAt_ = TimePoint::max();  // Held: until then; BackingOff: the next attempt
  TimePoint timerArmedFor_ = TimePoint::max();
  std::unique_ptr<event::Timer> timer_;  // at the earliest of wakeAt_ and the deadlines; made when first needed
};

const char* toString(Request::State state);

}  // namespace peerpulse::upstream
