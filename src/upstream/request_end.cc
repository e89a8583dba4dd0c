// Request: its ends, retries and deadlines.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "failure_queue.h"
#include "peer_addresses.h"
#include "peerpulse/upstream/peer.h"
#include "peerpulse/upstream/request.h"
#include "pool.h"
#include "retry_budget.h"
#include "retry_policy.h"

namespace peerpulse::upstream {

namespace {

/// From here on a client is silent that owes the rest of its request. Those who go on pause for less, and no peer waits so briefly.
constexpr Duration kClientSilence = seconds(1);

ErrorType errorOf(const Loss& loss) {
  if (loss.reason == http::ResetReason::kConnectionClosed && isTlsFailure(loss.error)) {
    return causeOf(static_cast<TlsFailure>(loss.error)).type;
  }
  switch (loss.reason) {
    case http::ResetReason::kNotTaken: return ErrorType::kHttpUpgradeFailed;
    case http::ResetReason::kProtocol:
    case http::ResetReason::kFlowControl:
    case http::ResetReason::kSaidProtocol:
    case http::ResetReason::kSaidFlowControl:
    case http::ResetReason::kSaidStreamClosed:
    case http::ResetReason::kSaidFrameSize:
    case http::ResetReason::kSaidCompression: return ErrorType::kHttpProtocolError;
    default: return ErrorType::kConnectionTerminated;
  }
}

Timer timerOf(Expiry expiry, const ClassTimeouts& timeouts) {
  switch (expiry) {
    case Expiry::kNone: return Timer::kNone;
    case Expiry::kConnect: return Timer::kConnect;
    case Expiry::kTotal: return timeouts.request > Duration::zero() ? Timer::kRequest : Timer::kRate;
    case Expiry::kStall: return Timer::kStall;
    case Expiry::kPatience: return Timer::kPatience;
    case Expiry::kGrpcDeadline: return Timer::kGrpcTimeout;
  }
  return Timer::kNone;
}

Failure expiryFailure(Expiry expiry, const ClassTimeouts& timeouts) {
  Failure failure;
  failure.timer = timerOf(expiry, timeouts);
  failure.timedOut = true;
  failure.party = Party::kPeer;
  switch (expiry) {
    case Expiry::kConnect:
      failure.type = ErrorType::kConnectionTimeout;
      failure.detail = "no connection to the peer in time";
      break;
    case Expiry::kStall:
      failure.type = ErrorType::kConnectionReadTimeout;
      failure.detail = "no byte moved for the stall timeout";
      break;
    case Expiry::kPatience:
      failure.type = ErrorType::kHttpResponseTimeout;
      failure.detail = "the peer did not answer in the time it was given";
      break;
    case Expiry::kGrpcDeadline:
      failure.type = ErrorType::kHttpResponseTimeout;
      failure.detail = "the request's grpc-timeout passed";
      failure.party = Party::kClient;
      break;
    default:
      failure.type = ErrorType::kHttpResponseTimeout;
      failure.detail = "the exchange took longer than its class allows";
      break;
  }
  return failure;
}

}  // namespace

// --- the attempt's end -----------------------------------------------------------------------------------------

void Request::onAttemptClosed() {
  enter(State::kEnded);
  if (timer_) timer_->disable();
  owner_.onRequestClosed();
}

bool Request::clientSilent() const {
  return clientsTurnSince_ != TimePoint::max() && now() - clientsTurnSince_ >= kClientSilence;
}

void Request::onAttemptLost(const Loss& loss) {
  // RST_STREAM(NO_ERROR) after a complete answer (RFC 9113 8.1), or the connection's end. A tunnel has another direction,
  // and what was to go there has not arrived.
  if (state_ == State::kAnswered && !tunnel_) {
    onAttemptClosed();
    return;
  }
  askedAt_ = TimePoint::max();
  // The attempt is over by now: what it had on the wire is known from the counts.
  if (bodyEndSent_ && bodySent_ == bodyGiven_ && loss.reason != http::ResetReason::kRefused)
    mayHaveTakenEffect_ = true;
  Failure failure;
  failure.party = loss.party;
  failure.detail = loss.detail;
  if (loss.party == Party::kClient) failure.detail.append(", as the client sent nothing more of its request");
  if (loss.said) failure.said = loss.reason;
  if (state_ == State::kAnswering || state_ == State::kAnswered) {
    failure.type = ErrorType::kHttpResponseIncomplete;
    failInTurn(std::move(failure));
    return;
  }
  if (retry(loss)) return;
  if (loss.countsAsFailure) report(health::Outcome::kReset);
  failure.type = errorOf(loss);
  failure.notProcessed = loss.reason == http::ResetReason::kRefused;
  failInTurn(std::move(failure));
}

void Request::onNoConnection(PoolFailure failure, const Error& error) {
  Failure why;
  switch (failure) {
    case PoolFailure::kCircuit: failInTurn(peer_.refusal(peer_.word())); return;
    case PoolFailure::kNoAddress: failInTurn(peer_.addresses().failure()); return;
    case PoolFailure::kOverflow:
      why.type = ErrorType::kConnectionLimitReached;
      why.party = Party::kSelf;
      why.detail = error.message;
      break;
    case PoolFailure::kConnectTimeout:
    case PoolFailure::kConnectFailed:
      if (connectAgain(error.code)) return;
      // Of all its tries the last one counts: what a later one mended was no failure.
      why = connectFailure(error.code, error.message);
      if (failure == PoolFailure::kConnectTimeout) why.timer = Timer::kConnect;
      if (why.party == Party::kPeer) report(health::Outcome::kConnectFailure);
      break;
  }
  failInTurn(std::move(why));
}

bool Request::retry(const Loss& loss) {
  FailedAttempt attempt;
  attempt.reason = loss.reason;
  attempt.retriesDone = retries_;
  attempt.connectionReused = loss.connectionReused;
  attempt.connectionEnding = loss.connectionEnding;
  attempt.bodyReplayable = replay_.whole() && !heard_;
  attempt.hasBody = !spec_.head->complete;
  attempt.method = spec_.head->method;
  const auto delay = retryAfter(spec_.options->retry, attempt, peer_.context().jitter());
  return delay && goAgain(*delay, chargesBudget(attempt));
}

// Nothing was sent. What TLS did not accept it will not accept in a moment.
bool Request::connectAgain(int code) {
  if (isTlsFailure(code)) return false;
  const RetryOptions& options = spec_.options->retry;
  const auto delay = reconnectAfter(options, retries_, code == ECONNREFUSED, peer_.context().jitter());
  return delay && goAgain(*delay, true);
}

// Not if its time would be over before: then what is known is told now.
bool Request::goAgain(Duration delay, bool charged) {
  const TimePoint at = now();
  if (at + delay >= deadlines_.end()) return false;
  if (charged && !peer_.retryBudget().take()) return false;
  ++retries_;
  peer_.stats().retriesTotal.add();
  replay_.restoreTo(body_);
  ticket_.again();
  enter(State::kBackingOff);
  wakeAt_ = at + delay;
  settleDebt(at);
  armTimer();
  return true;
}

// --- our own ends ----------------------------------------------------------------------------------------------

// Its attempt is over, maybe together with a thousand others'.
void Request::failInTurn(Failure failure) {
  FailureQueue& queue = peer_.failureQueue();
  if (queue.mayTell()) {
    fail(failure);
    return;
  }
  enter(State::kFailing);
  failure_ = std::make_unique<Failure>(std::move(failure));
  deadlines_.stop();
  if (timer_) timer_->disable();
  queue.add(*this);
}

void Request::onFailureTurn() {
  const std::unique_ptr<Failure> failure = std::move(failure_);
  fail(*failure);
}

void Request::fail(const Failure& failure) {
  if (ended()) return;
  if (failure_) {  // what happened first
    onFailureTurn();
    return;
  }
  leave(http::ResetReason::kCancel);
  owner_.onRequestFailed(failure);
}

void Request::cancel(http::ResetReason reason) {
  if (ended()) return;
  measureEnd(now(), false);
  ticket_.leave(true, now());  // its owner does not wait any longer
  leave(reason);
}

void Request::leave(http::ResetReason reason) {
  // What the client said last is on its way to the peer, its end with it.
  const bool inOrder = tunnel_ && state_ == State::kAnswered && bodyEndSent_;
  if (attempt_.stream() != nullptr && wholeSent()) mayHaveTakenEffect_ = true;
  enter(State::kEnded);
  ListNode<FailingTag>::unlink();
  if (timer_) timer_->disable();
  ticket_.leave(false, now());
  attempt_.cancel(inOrder ? http::ResetReason::kNoError : reason);
  trial_.giveBack();
}

void Request::onPeerGone() {
  Failure failure;
  failure.type = ErrorType::kDestinationUnavailable;
  failure.party = Party::kSelf;
  failure.detail = "the peer was removed from the configuration";
  fail(failure);
}

void Request::report(health::Outcome outcome) {
  if (outcomeReported_) return;
  outcomeReported_ = true;
  trial_.decided();
  peer_.context().outcomes.record({peer_.id(), outcome, generation_, peer_.context().now()});
}

// --- time ------------------------------------------------------------------------------------------------------

// Who holds the exchange up: a client that has sent all it will for now, or that does not read, owes the next byte.
bool Request::peerOwes() const {
  const bool bodyIsThere = bodyGivenToItsEnd() || bodyGiven_ > bodySent_;
  if (state_ == State::kSending) return bodyIsThere || awaitsContinue() || tunnelAwaited();
  if (state_ == State::kAnswering) return bodyIsThere && unconsumed_ == 0;
  return true;
}

// The client sends no body before the peer has asked for it (RFC 9110 10.1.1).
bool Request::awaitsContinue() const {
  return !heard_ && bodyGiven_ == 0 && http::equalsIgnoreCase(spec_.head->headers.find("expect"), "100-continue");
}

void Request::settleDebt(TimePoint at) {
  const bool owes = peerOwes();
  clientsTurnSince_ = awaitsClient() ? std::min(clientsTurnSince_, at) : TimePoint::max();
  if (state_ == State::kSending && bodyEndSent_ && bodySent_ == bodyGiven_) {
    ticket_.owe(at);
  } else {
    ticket_.clientHolds(state_ == State::kSending && !owes);
  }
  const bool ran = deadlines_.running();
  deadlines_.onDebt(owes, at);
  if (!ran && deadlines_.running()) armTimer();
}

// From here on only the peer is waited for.
void Request::noteAsked(TimePoint at) {
  if (askedAt_ == TimePoint::max() && state_ == State::kSending && wholeSent()) askedAt_ = at;
}

stats::LatencyWindow& Request::latency() const {
  return peer_.stats().latency[static_cast<size_t>(spec_.trafficClass)];
}

void Request::measureAnswer(TimePoint at) {
  if (askedAt_ == TimePoint::max()) return;
  latency().answered(at - askedAt_, peer_.context().now(), spec_.options->timing.window);
}

// Without an answer. A process that leaves its probes unanswered, too, is not slow but stopped: to wait longer for it the next
// time would help nobody.
void Request::measureEnd(TimePoint at, bool byDeadline) {
  if (askedAt_ == TimePoint::max()) return;
  const Duration waited = at - std::exchange(askedAt_, TimePoint::max());
  if (peer_.word().verdict != health::Verdict::kAlive || peer_.context().table.owing(peer_.id())) return;
  // Durations are in the loop's own time; stamps are everybody's.
  const TimePoint stamp = peer_.context().now();
  if (byDeadline) {
    latency().unanswered(waited, stamp, spec_.options->timing.window);
  } else {
    latency().abandoned(waited, stamp, spec_.options->timing.window);
  }
}

void Request::armTimer() {
  const TimePoint next = std::min(wakeAt_, deadlines_.next());
  if (next == TimePoint::max()) {
    if (timer_) timer_->disable();
    timerArmedFor_ = next;
    return;
  }
  // Progress moves the stall deadline all the time: a timer that fires early looks again, one that is armed
  // for an earlier moment need not be touched.
  if (timer_ && timer_->enabled() && timerArmedFor_ <= next) return;
  if (!timer_) timer_ = peer_.context().io.scheduler.createTimer([this] { onTimer(); });
  timerArmedFor_ = next;
  timer_->enable(next - now());
}

void Request::onTimer() {
  const TimePoint at = now();
  if (const Expiry expiry = deadlines_.expired(at); expiry != Expiry::kNone) {
    onExpiry(expiry);
  } else if (at >= wakeAt_ && state_ == State::kHeld) {
    heldLongEnough_ = true;
    onTurn();
  } else if (at >= wakeAt_ && state_ == State::kBackingOff) {
    wakeAt_ = TimePoint::max();
    enter(State::kAdmitting);
    admit(false);
  } else {
    armTimer();
  }
}

void Request::onExpiry(Expiry expiry) {
  Failure failure = expiryFailure(expiry, spec_.options->timeoutsOf(spec_.trafficClass));
  measureEnd(now(), expiry != Expiry::kGrpcDeadline);  // how long its client waits is not the peer's doing
  if (failure.party == Party::kPeer) blameUs(failure);
  if (failure.party == Party::kPeer && expiry != Expiry::kPatience) {
    report(expiry == Expiry::kConnect ? health::Outcome::kConnectFailure : health::Outcome::kTimeout);
    attempt_.onPeerLate();
  }
  ticket_.leave(true, now());
  fail(failure);
}

// What we held up is not the peer's doing.
void Request::blameUs(Failure& failure) const {
  if (state_ == State::kHeld || state_ == State::kBackingOff) {
    failure.party = Party::kSelf;
  } else if (state_ == State::kWaiting && peer_.addresses().state() != PeerAddresses::State::kKnown) {
    failure = peer_.addresses().failure();
  } else if (attempt_.waitsForUs(now() - spec_.options->timeoutsOf(spec_.trafficClass).connect / 2)) {
    failure.type = ErrorType::kConnectionLimitReached;
    failure.party = Party::kSelf;
    failure.detail = "no connection to the peer was free in time, and no other one allowed";
  }
}

}  // namespace peerpulse::upstream
