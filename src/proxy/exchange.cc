#include "exchange.h"

#include <algorithm>

#include "admission.h"
#include "admission_ramp.h"
#include "downstream_connection.h"
#include "retry_policy.h"
#include "router.h"

namespace peerpulse::proxy {

namespace {

// A retry can send again what it still holds; slices are only references, but they pin read blocks.
constexpr size_t kReplayLimit = 64 * 1024;

upstream::Protocol protocolFor(upstream::Protocol configured, const http::RequestHead& head) {
  if (!head.upgrade.empty()) return upstream::Protocol::kHttp1;
  if (configured != upstream::Protocol::kAuto) return configured;
  return head.version == http::Version::kHttp2 ? upstream::Protocol::kHttp2 : upstream::Protocol::kHttp1;
}

ProxyError errorFor(http::ResetReason reason) {
  switch (reason) {
    case http::ResetReason::kProtocol:
    case http::ResetReason::kFlowControl: return ProxyError::kHttpProtocolError;
    default: return ProxyError::kConnectionTerminated;
  }
}

bool isUpload(const http::RequestHead& head, const Route& route) {
  return route.trafficClass == upstream::TrafficClass::kBulk && (head.method == "PUT" || head.method == "POST");
}

}  // namespace

Exchange::Exchange(PeerProxy& peer, DownstreamConnection& downstream, http::ResponseStream& stream,
                   http::RequestHead&& head)
    : peer_(peer),
      downstream_(downstream),
      downstreamStream_(&stream),
      head_(std::move(head)),
      grpc_(head_.isGrpc()) {
  routeIndex_ = peer_.router().match(head_);
  record_.started = now();
  record_.isUpload = isUpload(head_, route());
  countStarted(peer_.context().shared.stats, peer_.options().id, record_);
}

Exchange::~Exchange() = default;

TimePoint Exchange::now() const { return peer_.context().dispatcher.now(); }

const Route& Exchange::route() const { return peer_.router().route(routeIndex_); }

// --- Admission and pools -------------------------------------------------------------------------------------

void Exchange::start() {
  const auto& timeouts = peer_.context().options.timeouts[static_cast<size_t>(route().trafficClass)];
  std::optional<Duration> grpcTimeout;
  if (grpc_) grpcTimeout = parseGrpcTimeout(head_.headers.find("grpc-timeout"));
  deadlines_.emplace(timeouts, record_.started, grpcTimeout);
  if (head_.contentLength) deadlines_->onContentLength(*head_.contentLength, record_.started);
  peer_.retryBudget().onExchange();
  admit();
}

void Exchange::rejectBadRequest(int status, std::string_view detail) {
  fail(Failure{ProxyError::kHttpRequestError, std::string(detail), status});
}

void Exchange::admit(bool inTurn) {
  const health::CircuitTable& table = peer_.context().shared.table;
  const health::CircuitWord word = peer_.word();
  switch (proxy::admit(word, table.proberStalled(now()))) {
    case Admission::kFlow: enter(word, inTurn); return;
    case Admission::kHold:
      if (heldLongEnough_) {
        enter(word, inTurn);
      } else {
        holdForVerdict();
      }
      return;
    case Admission::kTrial: takeTrial(word); return;
    case Admission::kFailOpen:
      peer_.stats().failOpenTotal.add();
      generation_ = word.generation;
      acquire();
      return;
    case Admission::kFail: failFast(word); return;
  }
}

void Exchange::enter(const health::CircuitWord& word, bool inTurn) {
  generation_ = word.generation;
  if (peer_.enter(word, inTurn)) {
    acquire();
  } else {
    holdForRamp();
  }
}

void Exchange::takeTrial(const health::CircuitWord& word) {
  // A trial that is sent again is still the same trial.
  const bool mine = trial_ && generation_ == word.generation;
  trial_ = mine || peer_.context().shared.trials.take(peer_.options().id, word.generation);
  generation_ = word.generation;
  if (trial_) {
    acquire();
  } else {
    failFast(word);
  }
}

// Until PeerProxy's timer says so, within the ramp's length; the exchange's own deadlines go on.
void Exchange::holdForRamp() {
  state_ = State::kHeld;
  peer_.hold(*this);
  peer_.stats().rampedTotal.add();
  // Only in case that the peer turns suspect meanwhile and no verdict comes.
  wakeAt_ = now() + AdmissionRamp::kLength + peer_.context().options.holdFor;
  armTimer();
}

void Exchange::holdForVerdict() {
  state_ = State::kHeld;
  peer_.hold(*this);
  peer_.stats().heldTotal.add();
  wakeAt_ = now() + peer_.context().options.holdFor;
  armTimer();
}

void Exchange::onTurn() {
  if (state_ != State::kHeld) return;
  leaveQueues();
  state_ = State::kAdmitting;
  admit(true);
}

void Exchange::acquire() {
  state_ = State::kWaitingForPool;
  wakeAt_ = TimePoint::max();
  if (!ListNode<PeerExchangeTag>::linked()) peer_.track(*this);
  deadlines_->onConnecting(now());
  armTimer();
  peer_.pool(protocolFor(peer_.options().protocol, head_), route().trafficClass).acquire(*this);
}

void Exchange::leaveQueues() {
  ListNode<upstream::PendingTag>::unlink();
  if (ListNode<HeldTag>::linked()) {
    ListNode<HeldTag>::unlink();
    peer_.stats().held.sub();
  }
  wakeAt_ = TimePoint::max();
}

void Exchange::onPoolReady(upstream::PooledConnection& connection) {
  state_ = State::kStreaming;
  connection_ = &connection;
  upstreamStream_ = &connection.openStream(responseSide_);
  reusedConnection_ = connection.reused();
  deadlines_->onConnected(now());
  armTimer();
  sendRequest();
}

void Exchange::onPoolFailure(upstream::PoolFailure failure, const Error& error) {
  switch (failure) {
    case upstream::PoolFailure::kOverflow: fail(Failure{ProxyError::kConnectionLimitReached, error.message}); return;
    case upstream::PoolFailure::kConnectTimeout:
      record_.timedOut = true;
      recordOutcome(health::Outcome::kConnectFailure);
      fail(Failure{ProxyError::kConnectionTimeout, error.message});
      return;
    case upstream::PoolFailure::kConnectFailed: {
      const ProxyError kind = connectErrorFor(error.code);
      // Out of descriptors or ports is our own trouble, not the peer's.
      if (kind != ProxyError::kConnectionLimitReached) recordOutcome(health::Outcome::kConnectFailure);
      fail(Failure{kind, error.message});
      return;
    }
  }
}

// --- The request: downstream to upstream ---------------------------------------------------------------------

void Exchange::sendRequest() {
  bodySent_ = 0;
  sentUpstream_ = true;
  requestEndSent_ = head_.complete;
  upstreamStream_->sendHeaders(head_, head_.complete);
  forwardRequestBody();
}

void Exchange::onRequestData(Slice data) {
  if (state_ == State::kFailing || state_ == State::kDone) {
    if (downstreamStream_ != nullptr) downstreamStream_->consumed(data.size());
    return;
  }
  deadlines_->onProgress(now());
  requestBody_.append(std::move(data));
  if (upstreamStream_ != nullptr) forwardRequestBody();
}

void Exchange::onRequestEnd() {
  requestEnded_ = true;
  if (upstreamStream_ != nullptr) forwardRequestBody();
}

void Exchange::forwardRequestBody() {
  while (!requestBody_.empty()) {
    Slice data = requestBody_.takeFront();
    keepForReplay(data);
    upstreamStream_->sendData(std::move(data));
  }
  if (!requestEnded_ || requestEndSent_) return;
  requestEndSent_ = true;
  upstreamStream_->sendEnd(requestTrailers_);
}

void Exchange::keepForReplay(const Slice& data) {
  if (!replayable_) return;
  if (responseStarted_ || replay_.size() + data.size() > kReplayLimit) {
    replayable_ = false;
    replay_.clear();
    return;
  }
  replay_.append(data);
}

void Exchange::onRequestBodySent(size_t n) {
  deadlines_->onProgress(now());
  bodySent_ += n;
  record_.requestBytes = std::max(record_.requestBytes, bodySent_);
  if (bodySent_ <= bodyCredited_) return;
  const uint64_t credit = bodySent_ - bodyCredited_;
  bodyCredited_ = bodySent_;
  if (downstreamStream_ != nullptr) downstreamStream_->consumed(credit);
}

// --- The response: upstream to downstream --------------------------------------------------------------------

void Exchange::onInformational(http::ResponseHead&& head) {
  deadlines_->onProgress(now());
  if (downstreamStream_ != nullptr) downstreamStream_->sendInformational(head);
}

void Exchange::onResponseHead(http::ResponseHead&& head) {
  const TimePoint at = now();
  responseStarted_ = true;
  responseEndSent_ = head.complete;
  record_.status = head.status;
  replayable_ = false;
  replay_.clear();
  recordOutcome(head.status >= 500 ? health::Outcome::kServerError : health::Outcome::kSuccess);
  deadlines_->onProgress(at);
  if (head.status == 101) {  // from here on the request's direction carries the tunnel's bytes
    deadlines_->onTunnel();
    requestEnded_ = requestEndSent_ = false;
  }
  if (head.contentLength) deadlines_->onContentLength(*head.contentLength, at);
  armTimer();
  downstreamStream_->sendHeaders(head, head.complete);
}

void Exchange::onResponseData(Slice data) {
  deadlines_->onProgress(now());
  downstreamStream_->sendData(std::move(data));
}

void Exchange::onResponseEnd() {
  responseEnded_ = true;
  if (responseEndSent_ || downstreamStream_ == nullptr) return;
  responseEndSent_ = true;
  downstreamStream_->sendEnd(responseTrailers_);
}

void Exchange::onResponseBodySent(size_t n) {
  record_.responseBytes += n;
  if (state_ != State::kStreaming) return;  // the body is our own
  deadlines_->onProgress(now());
  if (upstreamStream_ != nullptr) upstreamStream_->consumed(n);
}

// --- Ends ----------------------------------------------------------------------------------------------------

void Exchange::onUpstreamClosed() {
  upstreamStream_ = nullptr;
  connection_->recordResult(true);
  connection_ = nullptr;
  if (downstreamStream_ == nullptr) finish();
}

void Exchange::onUpstreamReset(http::ResetReason reason, std::string_view detail) {
  upstreamStream_ = nullptr;
  if (responseEnded_) {  // RST_STREAM(NO_ERROR) after a complete answer (RFC 9113 8.1), or the connection's end
    connection_ = nullptr;
    if (downstreamStream_ == nullptr) finish();
    return;
  }
  connection_->recordResult(reason == http::ResetReason::kRefused);
  const bool counts = reason != http::ResetReason::kConnectionClosed || connection_->takeLossReport();
  const bool ending = connection_->state() == upstream::PooledConnection::State::kDraining;
  connection_ = nullptr;
  if (responseStarted_) {
    record_.error = ProxyError::kHttpResponseIncomplete;
    record_.detail = detail;
    resetDownstream(http::ResetReason::kInternal);
    return;
  }
  if (retry(reason, ending)) return;
  if (counts) recordOutcome(health::Outcome::kReset);
  fail(Failure{errorFor(reason), std::string(detail)});
}

bool Exchange::retry(http::ResetReason reason, bool connectionEnding) {
  FailedAttempt attempt;
  attempt.reason = reason;
  attempt.retriesDone = retries_;
  attempt.connectionReused = reusedConnection_;
  attempt.connectionEnding = connectionEnding;
  attempt.bodyReplayable = replayable_;
  attempt.hasBody = !head_.complete;
  attempt.method = head_.method;
  WorkerContext& context = peer_.context();
  const double jitter = std::uniform_real_distribution<double>(0, 1)(context.random);
  const auto delay = retryAfter(context.options.retry, attempt, jitter);
  if (!delay || (chargesBudget(attempt) && !peer_.retryBudget().take())) return false;
  ++retries_;
  peer_.stats().retriesTotal.add();
  requestBody_.moveTo(replay_);  // what was sent comes first, then what waited behind it
  std::swap(requestBody_, replay_);
  state_ = State::kBackingOff;
  wakeAt_ = now() + *delay;
  armTimer();
  return true;
}

void Exchange::onDownstreamClosed() {
  downstreamStream_ = nullptr;
  dropUpstream(http::ResetReason::kCancel);  // an early answer: the rest of the request has no reader
  finish();
}

void Exchange::onDownstreamReset(http::ResetReason, std::string_view detail) {
  downstreamStream_ = nullptr;
  if (state_ == State::kDone) return;
  if (state_ != State::kFailing && !record_.fastFailed) {
    record_.clientAborted = true;
    record_.detail = detail;
  }
  dropUpstream(http::ResetReason::kCancel);
  finish();
}

void Exchange::onPeerDown(const health::CircuitWord& word) {
  ListNode<PeerExchangeTag>::unlink();
  failFast(word);
}

void Exchange::failFast(const health::CircuitWord& word) {
  record_.fastFailed = true;
  fail(peer_.refusalFailure(word));
}

void Exchange::noteRefusal(const health::CircuitWord& word) {
  if (state_ == State::kFailing || state_ == State::kDone) return;
  const Failure& refusal = peer_.refusalFailure(word);
  record_.fastFailed = true;
  record_.error = refusal.error;
  record_.detail = refusal.detail;
}

void Exchange::fail(const Failure& failure) {
  if (state_ == State::kFailing || state_ == State::kDone) return;
  leaveQueues();
  ListNode<PeerExchangeTag>::unlink();
  dropUpstream(http::ResetReason::kCancel);
  record_.error = failure.error;
  record_.detail = failure.detail;
  // Storage processes distrust answers that are not their peer's: to them a failure looks as it would without
  // us, a broken connection. Only a request that we could not read has no other reader than us.
  const bool mayAnswer = peer_.options().onDead == OnDead::kRespond || failure.error == ProxyError::kHttpRequestError;
  if (!responseStarted_ && mayAnswer) {
    answerLocally(failure);
  } else {
    resetDownstream(sentUpstream_ ? http::ResetReason::kInternal : http::ResetReason::kRefused);
  }
}

void Exchange::answerLocally(const Failure& failure) {
  state_ = State::kFailing;
  if (!peer_.failing()) timer_.reset();
  if (downstreamStream_ == nullptr) {
    finish();
    return;
  }
  if (record_.fastFailed) {  // the same for all that this circuit refuses: made once
    sendReply(peer_.refusal(grpc_));
  } else {
    sendReply(peer_.localReply(failure, grpc_));
  }
}

void Exchange::sendReply(const PreparedReply& reply) {
  record_.status = reply.head.status;
  downstreamStream_->sendHeaders(reply.head, reply.body.empty());
  if (reply.body.empty()) return;
  downstreamStream_->sendData(reply.body);
  downstreamStream_->sendEnd();
}

void Exchange::resetDownstream(http::ResetReason reason) {
  if (downstreamStream_ != nullptr) std::exchange(downstreamStream_, nullptr)->reset(reason);
  finish();
  // h1 has no reset of its own: RST, so that a truncated body cannot pass for a complete one.
  if (!downstream_.http2()) downstream_.abort("the exchange failed");
}

void Exchange::dropUpstream(http::ResetReason reason) {
  if (upstreamStream_ == nullptr) return;
  std::exchange(connection_, nullptr)->onStreamCancelled();
  std::exchange(upstreamStream_, nullptr)->reset(reason);
}

void Exchange::recordOutcome(health::Outcome outcome) {
  if (outcomeRecorded_) return;
  outcomeRecorded_ = true;
  trial_ = false;  // the outcome decides the trial
  peer_.context().shared.outcomes.record({peer_.options().id, outcome, generation_, now()});
}

void Exchange::finish() {
  if (state_ == State::kDone) return;
  state_ = State::kDone;
  leaveQueues();
  ListNode<PeerExchangeTag>::unlink();
  if (!peer_.failing()) timer_.reset();
  const SharedState& shared = peer_.context().shared;
  if (trial_) shared.trials.giveBack(peer_.options().id, generation_);
  took_ = now() - record_.started;
  countFinished(shared.stats, peer_.options().id, routeIndex_, record_, took_);
  logPending_ = shared.options.accessLog;
  if (!peer_.failing()) writeLog();
  downstream_.remove(*this);
}

void Exchange::writeLog() {
  if (!std::exchange(logPending_, false)) return;
  logExchange(peer_.options(), route(), head_, retries_, record_, took_);
}

}  // namespace peerpulse::proxy
