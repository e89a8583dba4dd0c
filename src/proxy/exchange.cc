#include "exchange.h"

#include <charconv>
#include <utility>

#include "downstream_connection.h"
#include "peerpulse/base/assert.h"
#include "peerpulse/http/max_forwards.h"
#include "peerpulse/http/via.h"
#include "peerpulse/log/log.h"
#include "peerpulse/upstream/deadlines.h"
#include "router.h"

namespace peerpulse::proxy {

namespace {

using State = Exchange::State;

/// A gRPC client keeps its deadline itself, and its timer began before ours: what that says is to come first. Ours is for a
/// client that does not.
constexpr Duration kDeadlineGrace = milliseconds(100);

bool legal(State from, State to) {
  switch (from) {
    case State::kOpen: return to == State::kAnswering || to == State::kReplying || to == State::kEnded;
    case State::kAnswering:
    case State::kReplying: return to == State::kEnded;
    case State::kEnded: return to == State::kSettled;
    case State::kSettled: return false;
  }
  return false;
}

bool isUpload(const http::RequestHead& head, const Route& route) {
  return route.trafficClass == upstream::TrafficClass::kBulk && (head.method == "PUT" || head.method == "POST");
}

upstream::Failure peerGone() {
  upstream::Failure failure;
  failure.type = upstream::ErrorType::kDestinationUnavailable;
  failure.detail = "the peer was removed from the configuration";
  return failure;
}

/// What an exchange holds beside its bodies, here and upstream; its head is there twice at worst.
size_t sizeOf(const http::RequestHead& head) {
  constexpr size_t kState = 4096;
  return kState + 2 * (head.headers.listSize() + head.path.size() + head.authority.size());
}

upstream::Failure looped() {
  upstream::Failure failure;
  failure.type = upstream::ErrorType::kProxyLoopDetected;
  failure.party = upstream::Party::kSelf;
  failure.detail = "the request has passed through this process before: the peer's address leads back to it";
  return failure;
}

}  // namespace

Exchange::Exchange(Listener& listener, DownstreamConnection& downstream, http::ResponseStream& stream,
                   http::RequestHead&& head)
    : listener_(listener),
      downstream_(downstream),
      snapshot_(listener.context().snapshot),
      stream_(&stream),
      head_(std::move(head)),
      grpc_(head_.isGrpc()),
      routeIndex_(matchRoute(snapshot_->options.routes, head_)),
      answerRoom_(downstream.answerRoom()),
      clientMovedAt_(listener.context().loopTime()),
      charge_(sizeOf(head_)) {
  record_.started = listener_.context().now();
  record_.isUpload = isUpload(head_, route());
  countStarted(listener_.context().shared.stats, listener_.peerId(), record_);
}

Exchange::~Exchange() = default;

const Route& Exchange::route() const { return snapshot_->options.routes[routeIndex_]; }

void Exchange::enter(State to) {
  PP_ASSERT(legal(state_, to));
  state_ = to;
}

void Exchange::start() {
  const std::string_view pseudonym = listener_.pseudonym();
  if (hasBeenHere(head_.headers, pseudonym)) {
    fail(looped());
    return;
  }
  if (!http::takeForward(head_)) {
    reply(PreparedReply(makeHopReply()));
    return;
  }
  addVia(head_, pseudonym);
  const Pressure pressure = listener_.context().pressure();
  if (pressure >= Pressure::kRefuse) {
    listener_.context().shared.stats.peer(listener_.peerId()).memoryRefusals.add();
    fail(outOfMemory());
    return;
  }
  upstream::Peer* peer = listener_.peer();
  if (peer == nullptr) {
    fail(peerGone());
    return;
  }
  upstream::RequestSpec spec;
  spec.head = &head_;
  spec.trafficClass = route().trafficClass;
  spec.options = upstreamOptions(snapshot_);
  if (grpc_) {
    spec.deadline = upstream::parseGrpcTimeout(head_.headers.find("grpc-timeout"));
    if (spec.deadline) *spec.deadline += kDeadlineGrace;
  }
  if (pressure == Pressure::kNone) answerRoom_.grow(wantedRoom(), downstream_.taken());
  spec.answerRoom = answerRoom_.bytes();
  request_.emplace(*peer, std::move(spec), *this);
  request_->start();
}

void Exchange::rejectBadRequest(int status, std::string_view detail) {
  upstream::Failure failure;
  failure.type = upstream::ErrorType::kHttpRequestError;
  failure.party = upstream::Party::kClient;
  failure.detail = detail;
  failure.status = status;
  fail(failure);
}

// --- the request -----------------------------------------------------------------------------------------------

void Exchange::onData(Slice data) {
  if (requestLives()) {
    if (state_ == State::kOpen) clientMovedAt_ = listener_.context().loopTime();
    bodyOwed_ += data.size();
    request_->sendData(std::move(data));
  } else if (stream_ != nullptr) {
    stream_->consumed(data.size());
  }
}

void Exchange::onBodyEnd() {
  if (requestLives()) request_->sendBodyEnd();
}

void Exchange::onEnd() {
  if (requestLives()) request_->sendEnd(std::move(trailers_));
}

void Exchange::onRequestBodySent(size_t n) {
  bodyOwed_ -= n;
  if (state_ == State::kOpen) clientMovedAt_ = listener_.context().loopTime();
  credit(n);
}

// Without it the client sends no more than it may already.
void Exchange::credit(size_t n) {
  withheld_ += n;
  if (listener_.context().pressure() >= Pressure::kHold) return;
  const size_t due = std::exchange(withheld_, 0);
  if (stream_ != nullptr && due > 0) stream_->consumed(due);
}

// What a request that has failed did not send goes nowhere; the client may have more, and must be read on.
void Exchange::giveBodyBack() {
  const uint64_t owed = std::exchange(bodyOwed_, 0) + std::exchange(withheld_, 0);
  if (stream_ != nullptr && owed > 0) stream_->consumed(static_cast<size_t>(owed));
}

// --- the response ----------------------------------------------------------------------------------------------

void Exchange::onInformational(http::ResponseHead&& head) {
  clientMovedAt_ = listener_.context().loopTime();  // it may have waited for this
  if (stream_ != nullptr) stream_->sendInformational(head);
}

void Exchange::onResponseHead(http::ResponseHead&& head) {
  if (over()) return;
  enter(State::kAnswering);
  record_.status = head.status;
  record_.firstByte = listener_.context().now() - record_.started;
  noteGrpcStatus(head.headers);
  responseComplete_ = head.complete;
  stream_->sendHeaders(head, head.complete);
}

void Exchange::onResponseData(Slice data) {
  if (stream_ != nullptr) giveAnswer(std::move(data));
}

void Exchange::giveAnswer(Slice data) {
  if (waiting() == 0) clientMovedAt_ = listener_.context().loopTime();
  answerGiven_ += data.size();
  stream_->sendData(std::move(data));
}

void Exchange::onResponseTrailers(http::HeaderList&& trailers) {
  noteGrpcStatus(trailers);
  responseTrailers_ = std::move(trailers);
}

// In the trailers, or in the head of an answer that has nothing else.
void Exchange::noteGrpcStatus(const http::HeaderList& headers) {
  if (!grpc_) return;
  const std::string_view text = headers.find("grpc-status");
  int status = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  if (!text.empty() && error == std::errc() && end == text.data() + text.size()) record_.grpcStatus = status;
}

void Exchange::onResponseEnd() {
  if (stream_ != nullptr && !responseComplete_) stream_->sendEnd(responseTrailers_);
}

void Exchange::onBodySent(size_t n) {
  record_.responseBytes += n;
  if (waiting() > 0) clientMovedAt_ = listener_.context().loopTime();
  if (state_ != State::kAnswering || !requestLives()) return;  // the body is our own
  growRoom();
  request_->consumed(n);
}

// Twice what the client can take now: while that is on its way, the next is.
size_t Exchange::wantedRoom() const {
  const size_t most = snapshot_->options.bufferLimit;
  const size_t room = stream_->room();
  return room >= most / 2 ? most : 2 * room;
}

void Exchange::growRoom() {
  if (stream_ == nullptr || answerRoom_.bytes() >= snapshot_->options.bufferLimit) return;
  if (listener_.context().pressure() != Pressure::kNone) return;
  if (answerRoom_.grow(wantedRoom(), downstream_.taken())) request_->allow(answerRoom_.bytes());
}

// --- ends ------------------------------------------------------------------------------------------------------

void Exchange::onClosed() {
  stream_ = nullptr;
  end();
}

void Exchange::onReset(http::ResetReason reason, std::string_view detail) {
  stream_ = nullptr;
  if (downstream_.http2() && http::saidByRemote(reason)) givenUpBy_ = reason;
  if (const upstream::Failure* why = downstream_.abortedFor()) {
    if (state_ != State::kReplying) record_.note(*why);
  } else if (state_ != State::kReplying && !record_.failed()) {
    record_.clientAborted = true;
    record_.detail = detail;
  }
  end();
}

void Exchange::onRequestFailed(const upstream::Failure& failure) {
  if (!over()) fail(failure);
}

// Storage processes distrust answers that are not their peer's: to them a failure looks as it would without us, a broken
// connection. Only a request that we could not read has no other reader than us, and one that came from ourselves no other
// sender; but a gRPC status is always the peer's.
bool Exchange::mayAnswer(const upstream::Failure& failure) const {
  if (listener_.onDead() == OnDead::kRespond || failure.type == upstream::ErrorType::kHttpRequestError) return true;
  return failure.type == upstream::ErrorType::kProxyLoopDetected && !grpc_;
}

void Exchange::fail(const upstream::Failure& failure) {
  record_.note(failure);
  giveBodyBack();
  // An h2 client hears what the peer said: it may repeat the request itself, as gRPC libraries do.
  const bool passedOn = (failure.notProcessed || failure.said) && downstream_.http2();
  if (state_ != State::kOpen || passedOn || !mayAnswer(failure)) {
    resetDownstream(failure);
  } else if (failure.byCircuit) {
    reply(listener_.refusalReply(failure, grpc_));
  } else {
    reply(listener_.localReply(failure, grpc_));
  }
}

void Exchange::reply(const PreparedReply& reply) {
  enter(State::kReplying);
  record_.status = reply.head.status;
  record_.ownAnswer = true;
  noteGrpcStatus(reply.head.headers);
  stream_->sendHeaders(reply.head, reply.body.empty());
  if (reply.body.empty()) return;
  giveAnswer(reply.body);
  if (stream_ != nullptr) stream_->sendEnd();
}

http::ResetReason Exchange::resetFor(const upstream::Failure& failure) const {
  // gRPC libraries read it as the deadline when that has passed for them, too; INTERNAL_ERROR would be their peer's fault, and
  // REFUSED_STREAM would be tried again.
  if (failure.timer == upstream::Timer::kGrpcTimeout) return http::ResetReason::kCancel;
  if (!request_ || !request_->sent() || failure.notProcessed) return http::ResetReason::kRefused;
  return failure.said.value_or(http::ResetReason::kInternal);
}

void Exchange::resetDownstream(const upstream::Failure& failure) {
  // What the peer had said before is said: a reset takes back what has not left.
  if (state_ == State::kAnswering) downstream_.flush();
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->reset(resetFor(failure));
  end();
  // h1 has no reset of its own: RST, so that a truncated body cannot pass for a complete one.
  if (!downstream_.http2()) downstream_.abort(failure);
}

upstream::Failure Exchange::outOfMemory() const {
  upstream::Failure failure;
  failure.type = upstream::ErrorType::kConnectionLimitReached;
  failure.party = upstream::Party::kSelf;
  failure.detail = "limits.memory: this process holds as much for its clients as it may";
  return failure;
}

upstream::Failure Exchange::clientStalled() const {
  upstream::Failure failure;
  const bool answer = waiting() > 0;
  failure.type = answer ? upstream::ErrorType::kHttpResponseIncomplete : upstream::ErrorType::kHttpRequestError;
  failure.party = upstream::Party::kClient;
  failure.timedOut = true;
  failure.timer = upstream::Timer::kClientStall;
  failure.detail = answer ? "the client has taken nothing of the answer for too long"
                          : "the client has sent nothing more of its request for too long";
  return failure;
}

// Nothing but the rest of the request is waited for, and nothing keeps the client from sending it. In class stream both ends may
// be silent for as long as they like.
bool Exchange::awaitsBody() const {
  return state_ == State::kOpen && requestLives() && withheld_ == 0 &&
         route().trafficClass != upstream::TrafficClass::kStream && request_->awaitsClient();
}

bool Exchange::expire(TimePoint now) {
  if (over()) return false;
  credit(0);
  if (waiting() == 0 && !awaitsBody()) return false;
  const Duration stalled = now - clientMovedAt_;
  const Duration most = snapshot_->options.clientStall;
  const bool tooLong = most > Duration::zero() && stalled > most;
  const bool tooMuch =
      waiting() > 0 && stalled > MemoryLimit::kGrace && listener_.context().pressure() == Pressure::kEnd;
  if (!tooLong && !tooMuch) return false;
  const upstream::Failure why = tooLong ? clientStalled() : outOfMemory();
  stats::PeerStats& stats = listener_.context().shared.stats.peer(listener_.peerId());
  (tooLong ? stats.clientStalls : stats.memoryEnds).add();
  cut(why);
  return true;
}

void Exchange::cut(const upstream::Failure& why) {
  record_.note(why);
  std::exchange(stream_, nullptr)->reset(http::ResetReason::kCancel);
  end();
  if (!downstream_.http2()) downstream_.abort(why);
}

void Exchange::end() {
  if (over()) return;
  enter(State::kEnded);
  answerRoom_.release();  // the connection may go before the exchange does
  record_.took = listener_.context().now() - record_.started;
  if (request_) record_.phase = request_->phase();
  if (!downstream_.lost()) settle();
  downstream_.remove(*this);  // from here on it may be gone
}

void Exchange::settle() {
  if (state_ == State::kSettled) return;
  enter(State::kSettled);
  if (request_) {
    record_.requestBytes = request_->bodyBytesSent();
    record_.retries = request_->retries();
    record_.steps = request_->times();
    request_->cancel(givenUpBy_);  // an early answer: the rest of the request has no reader
  }
  countFinished(listener_.context().shared.stats, listener_.peerId(), routeIndex_, record_,
                listener_.context().scheduler.wallNow());
}

bool Exchange::tunnel() const { return state_ == State::kAnswering && record_.status == 101; }

void Exchange::writeLog(AccessFilter& filter) const {
  const AccessLogOptions& options = snapshot_->options.accessLog;
  const AccessFilter::Verdict verdict = filter.next(options, route().trafficClass, record_);
  if (verdict == AccessFilter::Verdict::kNo || !log::enabled(log::Level::kInfo)) return;
  const uint32_t sample = verdict == AccessFilter::Verdict::kSampled ? options.sample : 0;
  logExchange(listener_.peerName(), route(), head_, record_, options.query == AccessLogOptions::Query::kShown,
              sample);
}

}  // namespace peerpulse::proxy
