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
  if (over()) endedAt_ = owner_.now();
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
  request_.emplace(*peer, std::move(spec), *this);
  request_->start();
}

bool Leg::uncertain() const {
  if (state_ != State::kFailed && state_ != State::kTooLarge) return false;
  return request_ && request_->mayHaveTakenEffect() && head_.method != "GET" && head_.method != "HEAD";
}

// --- the request -----------------------------------------------------------------------------------------------

void Leg::sendData(const Slice& data) {
  if (state_ != State::kOpen) return;
  request_->sendData(data);
}

void Leg::sendEnd(const http::HeaderList& trailers) {
  if (state_ != State::kOpen) return;
  if (digestSent_.empty()) digestSent_ = trailers.find(kContentDigest);
  request_->sendEnd(http::HeaderList(trailers));
}

void Leg::onRequestBodySent(size_t n) {
  bodySent_ += n;
  if (state_ == State::kOpen) owner_.onLegBodySent(number_, n);
}

// --- the answer ------------------------------------------------------------------------------------------------

void Leg::onResponseHead(http::ResponseHead&& head) {
  if (over()) return;
  status_ = head.status;
  contentType_ = head.headers.find("content-type");
  digestAcknowledged_ = head.headers.find(kContentDigest);
}

void Leg::onResponseTrailers(http::HeaderList&& trailers) {
  if (!over() && digestAcknowledged_.empty()) digestAcknowledged_ = trailers.find(kContentDigest);
}

void Leg::onResponseData(Slice data) {
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
  request_->consumed(size);
}

// Who says 2xx before it has all of it has not acknowledged it.
void Leg::onResponseEnd() {
  if (over()) return;
  if (status_ < 300 && !request_->wholeSent()) {
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

void Leg::onRequestFailed(const upstream::Failure& failure) {
  if (!over()) fail(failure);
}

void Leg::fail(upstream::Failure failure) {
  failure_ = std::move(failure);
  end(State::kFailed);
}

// Where the answer is complete the request ends by itself: its connection can be used again.
void Leg::end(State how) {
  enter(how);
  const bool whole = how == State::kAnswered || how == State::kDigestMismatch;
  if (!whole && request_) request_->cancel();
  owner_.onLegEnded(number_);
}

void Leg::cancel(const char* why) {
  if (over()) return;
  failure_ = failureOf(upstream::ErrorType::kNone, upstream::Party::kSelf, why);
  enter(State::kCancelled);
  if (request_) request_->cancel();
}

}  // namespace peerpulse::fanout
