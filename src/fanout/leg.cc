#include "leg.h"

#include <utility>

#include "content_digest.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::fanout {

namespace {

using State = Leg::State;

constexpr std::string_view kContentDigest = "content-digest";

bool legal(State from, State to) {
  switch (from) {
    case State::kIdle: return to == State::kOpen || to == State::kCancelled;
    case State::kOpen: return to != State::kIdle && to != State::kOpen;
    default: return false;
  }
}

upstream::Failure failureOf(upstream::ErrorType type, upstream::Party party, std::string detail) {
  upstream::Failure failure;
  failure.type = type;
  failure.party = party;
  failure.detail = std::move(detail);
  return failure;
}

}  // namespace

void Leg::enter(State to) {
  PP_ASSERT(legal(state_, to));
  state_ = to;
  if (!over()) return;
  endedAt_ = owner_.now();
  racing_ = false;
  if (hedge_ != Hedge::kOpen) return;
  hedge_ = acknowledged() ? Hedge::kWon : to == State::kCancelled ? Hedge::kLost : Hedge::kFailed;
}

std::optional<Duration> Leg::took() const {
  if (!startedAt_) return std::nullopt;
  return (endedAt_ ? *endedAt_ : owner_.now()) - *startedAt_;
}

void Leg::start(const upstream::Peers& peers, upstream::RequestSpec spec) {
  enter(State::kOpen);
  startedAt_ = owner_.now();
  upstream::Peer* peer = peers.find(peer_->id);
  if (peer == nullptr) {
    fail(failureOf(upstream::ErrorType::kDestinationUnavailable, upstream::Party::kSelf,
                   "the peer was removed from the configuration"));
    return;
  }
  spec.head = &head_;
  digestSent_ = head_.headers.find(kContentDigest);
  first_.request.emplace(*peer, std::move(spec), first_);
  first_.request->start();
}

// --- a second request ------------------------------------------------------------------------------------------

void Leg::hedgeAnother() {
  PP_ASSERT(state_ == State::kIdle);
  hedge_ = Hedge::kOpen;
}

void Leg::askAgain(const upstream::Peers& peers, upstream::RequestSpec spec) {
  PP_ASSERT(head_.complete && hedge_ == Hedge::kNone);
  upstream::Peer* peer = peers.find(peer_->id);
  if (state_ != State::kOpen || status_ != 0 || peer == nullptr) return;
  hedge_ = Hedge::kOpen;
  racing_ = true;
  spec.head = &head_;
  second_.request.emplace(*peer, std::move(spec), second_);
  second_.request->start();
}

/// The race is over: `one` counts.
void Leg::leaveTo(Try& one) {
  racing_ = false;
  answering_ = &one;
  otherThan(one).request->cancel();
}

void Leg::cancelRequests() {
  for (Try* each : {&first_, &second_}) {
    if (each->request) each->request->cancel();
  }
}

bool Leg::uncertain() const {
  if (state_ != State::kFailed && state_ != State::kTooLarge) return false;
  return request() && request()->mayHaveTakenEffect() && head_.method != "GET" && head_.method != "HEAD";
}

// --- the request -----------------------------------------------------------------------------------------------

void Leg::sendData(const Slice& data) {
  if (state_ != State::kOpen) return;
  request().sendData(data);
}

void Leg::sendEnd(const http::HeaderList& trailers) {
  if (state_ != State::kOpen) return;
  if (digestSent_.empty()) digestSent_ = trailers.find(kContentDigest);
  request().sendEnd(http::HeaderList(trailers));
}

void Leg::onBodySent(size_t n) {
  bodySent_ += n;
  if (state_ == State::kOpen) owner_.onLegBodySent(number_, n);
}

// --- the answer ------------------------------------------------------------------------------------------------

void Leg::onHead(Try& by, const http::ResponseHead& head) {
  if (over()) return;
  if (racing_ && head.status >= 500) {  // a quick refusal is no better than a late answer
    if (&by == &second_) hedge_ = Hedge::kFailed;
    return leaveTo(otherThan(by));
  }
  if (racing_) {
    leaveTo(by);
    hedge_ = &by == &second_ ? Hedge::kWon : Hedge::kLost;
  }
  status_ = head.status;
  contentType_ = head.headers.find("content-type");
  digestAcknowledged_ = head.headers.find(kContentDigest);
}

void Leg::onTrailers(const http::HeaderList& trailers) {
  if (!over() && digestAcknowledged_.empty()) digestAcknowledged_ = trailers.find(kContentDigest);
}

void Leg::onData(const Slice& data) {
  if (over()) return;
  const size_t size = data.size();
  answerRead_ += size;
  if (answerRead_ > answer_.limit || (answer_.keep && !owner_.onLegKeeps(size))) {
    body_.clear();
    end(State::kTooLarge);
    return;
  }
  // A copy: what is kept must not pin what was read around it.
  if (answer_.keep) body_.append(data.view());
  request().consumed(size);
}

// Who says 2xx before it has all of it has not acknowledged it.
void Leg::onEnd() {
  if (over()) return;
  if (status_ < 300 && !request().wholeSent()) {
    fail(failureOf(upstream::ErrorType::kHttpProtocolError, upstream::Party::kPeer,
                   "the peer answered before it had the whole request"));
    return;
  }
  acknowledge();
}

// A digest beside content is of that content.
void Leg::acknowledge() {
  std::string mismatch;
  if (status_ < 300 && answerRead_ == 0) mismatch = digestMismatch(digestSent_, digestAcknowledged_);
  if (mismatch.empty()) return end(State::kAnswered);
  failure_ = failureOf(upstream::ErrorType::kNone, upstream::Party::kPath, std::move(mismatch));
  end(State::kDigestMismatch);
}

// --- ends ------------------------------------------------------------------------------------------------------

void Leg::onFailed(Try& by, const upstream::Failure& failure) {
  if (over()) return;
  if (!racing_) return fail(failure);
  leaveTo(otherThan(by));
  if (&by == &second_) hedge_ = Hedge::kFailed;
}

void Leg::fail(upstream::Failure failure) {
  failure_ = std::move(failure);
  end(State::kFailed);
}

// Where the answer is complete the request ends by itself: its connection can be used again.
void Leg::end(State how) {
  enter(how);
  const bool whole = how == State::kAnswered || how == State::kDigestMismatch;
  if (!whole) cancelRequests();
  owner_.onLegEnded(number_);
}

void Leg::cancel(const char* why) {
  if (over()) return;
  failure_ = failureOf(upstream::ErrorType::kNone, upstream::Party::kSelf, why);
  enter(State::kCancelled);
  cancelRequests();
}

}  // namespace peerpulse::fanout
