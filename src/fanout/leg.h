// Leg: one peer's part of a fan-out: an upstream::Request, and its answer as far as it is kept.
//
//   Idle --start()--> Open --the whole answer, to the whole request--> Answered
//                          --the same, of something else than was sent (Content-Digest)--> DigestMismatch
//                          --anything else--> Failed, TooLarge, Cancelled
//   Idle --cancel()--> Cancelled
//
// It can be hedged: a second request beside a first one that is late (askAgain()). The first answer's head decides which of the
// two counts; the other one is cancelled. One that fails before leaves it to the other.
//
// Threading: its worker's thread.
// Ownership: owned by its Run; its owner is told inside callbacks of the request, so it goes with deferred deletion.
// Bound: answers are read up to the limit given, and kept as far as the owner lets it (onLegKeeps()).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "peerpulse/base/buffer.h"
#include "peerpulse/upstream/peers.h"
#include "peerpulse/upstream/request.h"

namespace peerpulse::fanout {

class LegOwner {
 public:
  virtual ~LegOwner() = default;
  virtual TimePoint now() const = 0;
  /// So many bytes of the answer are to be kept. False: there is no room.
  virtual bool onLegKeeps(uint64_t bytes) = 0;
  virtual void onLegBodySent(size_t leg, uint64_t bytes) = 0;
  /// It has ended, by itself; once.
  virtual void onLegEnded(size_t leg) = 0;
};

class Leg final {
 public:
  /// What became of a hedge: of askAgain()'s second request, or of all of a leg that was begun as one.
  enum class Hedge : uint8_t { kNone, kOpen, kWon, kLost, kFailed };
  enum class State : uint8_t { kIdle, kOpen, kAnswered, kFailed, kTooLarge, kDigestMismatch, kCancelled };

  /// What to do with the body of the peer's answer.
  struct Answer {
    bool keep = false;
    uint64_t limit = 0;  ///< longer ones are given up, kept or not
  };

  Leg(size_t number, upstream::PeerOptionsRef peer, http::RequestHead head, Answer answer, LegOwner& owner)
      : number_(number), peer_(std::move(peer)), head_(std::move(head)), answer_(answer), owner_(owner) {}

  /// `spec` without its head. The owner may be told of the end before this returns.
  void start(const upstream::Peers& peers, upstream::RequestSpec spec);
  void sendData(const Slice& data);
  void sendEnd(const http::HeaderList& trailers);
  /// Before start(): it is a hedge of another leg.
  void hedgeAnother();
  /// Requires a request without a body. Once, while it is open; without effect once an answer has begun.
  void askAgain(const upstream::Peers& peers, upstream::RequestSpec spec);
  /// Nobody wants it any more, for this reason. After its end: no-op.
  void cancel(const char* why);

  State state() const { return state_; }
  Hedge hedge() const { return hedge_; }
  bool over() const { return state_ != State::kIdle && state_ != State::kOpen; }
  /// The peer has answered 2xx to all of the request.
  bool acknowledged() const { return state_ == State::kAnswered && status_ >= 200 && status_ < 300; }
  const upstream::PeerOptions& peer() const { return *peer_; }
  int status() const { return status_; }
  /// It has had something of the request's body.
  bool bodyBegun() const { return bodySent_ > 0; }
  const std::string& contentType() const { return contentType_; }
  /// Of an answered one; empty if nothing was to be kept.
  const Buffer& body() const { return body_; }
  /// Of one that has not answered; of a cancelled one, or a digest that does not match, only `detail`.
  const upstream::Failure& failure() const { return failure_; }
  /// Until its end, or so far; nothing if it was never begun.
  std::optional<Duration> took() const;
  /// It failed after the peer had been sent all of a request that changes something: whether it took effect is not known.
  bool uncertain() const;

 private:
  /// One of its requests.
  class Try final : public upstream::RequestOwner {
   public:
    explicit Try(Leg& leg) : leg_(leg) {}
    std::optional<upstream::Request> request;

   private:
    void onInformational(http::ResponseHead&&) override {}
    void onResponseHead(http::ResponseHead&& head) override { leg_.onHead(*this, head); }
    void onResponseData(Slice data) override { leg_.onData(data); }
    void onResponseTrailers(http::HeaderList&& trailers) override { leg_.onTrailers(trailers); }
    void onResponseEnd() override { leg_.onEnd(); }
    void onRequestBodySent(size_t n) override { leg_.onBodySent(n); }
    void onRequestClosed() override {}
    void onRequestFailed(const upstream::Failure& failure) override { leg_.onFailed(*this, failure); }
    Leg& leg_;
  };

  void onHead(Try& by, const http::ResponseHead& head);
  void onData(const Slice& data);
  void onTrailers(const http::HeaderList& trailers);
  void onEnd();
  void onBodySent(size_t n);
  void onFailed(Try& by, const upstream::Failure& failure);

  upstream::Request& request() { return *answering_->request; }
  const std::optional<upstream::Request>& request() const { return answering_->request; }
  Try& otherThan(const Try& one) { return &one == &first_ ? second_ : first_; }
  void leaveTo(Try& one);
  void cancelRequests();
  void enter(State to);
  void end(State how);
  void acknowledge();
  void fail(upstream::Failure failure);

  const size_t number_;
  const upstream::PeerOptionsRef peer_;
  const http::RequestHead head_;
  const Answer answer_;
  LegOwner& owner_;
  State state_ = State::kIdle;
  std::optional<TimePoint> startedAt_;
  std::optional<TimePoint> endedAt_;
  Try first_{*this};
  Try second_{*this};
  Try* answering_ = &first_;  // it counts; while both race nothing is known of it yet
  bool racing_ = false;       // both are under way
  Hedge hedge_ = Hedge::kNone;
  uint64_t bodySent_ = 0;
  uint64_t answerRead_ = 0;
  int status_ = 0;
  std::string contentType_;
  std::string digestSent_;          // Content-Digest, the caller's
  std::string digestAcknowledged_;  // the peer's
  Buffer body_;
  upstream::Failure failure_;
};

}  // namespace peerpulse::fanout
