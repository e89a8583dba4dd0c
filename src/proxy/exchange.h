// Exchange: one request of a client and its answer: pairs a downstream stream with an upstream::Request, answers in the
// peer's stead when that fails, and leaves a line in the access log.
//
//   Open --the peer's head--> Answering --> Ended
//   Open --failure, bad request--> Replying (our own answer is on its way) --> Ended
//   Ended --> Settled
// It ends with the downstream stream. Settled is when its request has ended, too: at once, but for the streams that a lost
// connection takes with it: those may be a thousand, and are settled in slices.
//
// Back-pressure: bytes that one side sent are given back as credit to the side they came from. The peer's window is opened as
// far as the client takes what comes, within the room of its connection (answer_room.h).
//
// Threading: its worker's thread.
// Ownership: owned by its DownstreamConnection, once it has ended by the Listener, which logs and destroys it.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "access_filter.h"
#include "access_log.h"
#include "answer_room.h"
#include "local_reply.h"
#include "peerpulse/base/memory_use.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/proxy/listener.h"
#include "peerpulse/upstream/request.h"

namespace peerpulse::proxy {

class DownstreamConnection;

class Exchange final : public http::Receiver, public upstream::RequestOwner {
 public:
  enum class State : uint8_t { kOpen, kAnswering, kReplying, kEnded, kSettled };

  Exchange(Listener& listener, DownstreamConnection& downstream, http::ResponseStream& stream,
           http::RequestHead&& head);
  ~Exchange() override;

  void start();
  /// The request was malformed: answers `status` and nothing else.
  void rejectBadRequest(int status, std::string_view detail);
  /// The head of an answer was given to the downstream stream.
  bool answering() const { return state_ == State::kAnswering || state_ == State::kReplying; }
  /// Both directions are raw bytes, and it lasts as long as its ends want.
  bool tunnel() const;
  /// Ends the request and counts the exchange, once it has ended and unless that is done.
  void settle();
  /// Every second: ends it if its client has taken nothing of the answer for too long. `now` is the loop's own time. True: it did.
  bool expire(TimePoint now);
  /// We end it, and the connection of an h1 client with it. Requires that it has not ended.
  void cut(const upstream::Failure& why);
  /// Requires that it is settled. A line of the access log, if `filter` wants one.
  void writeLog(AccessFilter& filter) const;

  std::list<std::unique_ptr<Exchange>>::iterator self;  ///< the place in the connection's list

 private:
  // http::Receiver: what the downstream stream tells.
  void onData(Slice data) override;
  void onTrailers(http::HeaderList&& trailers) override { trailers_ = std::move(trailers); }
  void onBodyEnd() override;
  void onEnd() override;
  void onBodySent(size_t n) override;
  void onClosed() override;
  void onReset(http::ResetReason reason, std::string_view detail) override;
  // upstream::RequestOwner
  void onInformational(http::ResponseHead&& head) override;
  void onResponseHead(http::ResponseHead&& head) override;
  void onResponseData(Slice data) override;
  void onResponseTrailers(http::HeaderList&& trailers) override;
  void onResponseEnd() override;
  void onRequestBodySent(size_t n) override;
  void onRequestClosed() override {}
  void onRequestFailed(const upstream::Failure& failure) override;

  void enter(State to);
  bool over() const { return state_ == State::kEnded || state_ == State::kSettled; }
  bool requestLives() const { return request_ && !request_->ended(); }
  bool mayAnswer(const upstream::Failure& failure) const;
  void fail(const upstream::Failure& failure);
  void reply(const PreparedReply& reply);
  void resetDownstream(const upstream::Failure& failure);
  http::ResetReason resetFor(const upstream::Failure& failure) const;
  void end();
  void giveBodyBack();
  size_t wantedRoom() const;
  void growRoom();
  /// To the client, which may take its time.
  void giveAnswer(Slice data);
  /// Of the answer's body, given to the client's stream and not taken.
  uint64_t waiting() const { return answerGiven_ - record_.responseBytes; }
  bool awaitsBody() const;
  void credit(size_t n);
  upstream::Failure outOfMemory() const;
  upstream::Failure clientStalled() const;
  const Route& route() const;
  void noteGrpcStatus(const http::HeaderList& headers);

  Listener& listener_;
  DownstreamConnection& downstream_;
  const SnapshotRef snapshot_;  // what the exchange began with
  State state_ = State::kOpen;
  http::ResponseStream* stream_;  // null once it is over
  http::RequestHead head_;
  const bool grpc_;
  const size_t routeIndex_;
  http::HeaderList trailers_;
  http::HeaderList responseTrailers_;
  uint64_t bodyOwed_ = 0;  // of the request's body: given to the request, and no credit for it yet
  http::ResetReason givenUpBy_ = http::ResetReason::kCancel;  // what the client said of the end of its stream
  AnswerRoom::Share answerRoom_;
  uint64_t answerGiven_ = 0;       // of the answer's body, to the client's stream
  TimePoint clientMovedAt_;        // when it last did its part, or its turn began
  size_t withheld_ = 0;            // credit of the request's body that the client gets when there is memory again
  const MemoryCharge charge_;      // of the head, and of what else there is of an exchange
  bool responseComplete_ = false;  // the head said that nothing follows
  std::optional<upstream::Request> request_;
  AccessRecord record_;
};

}  // namespace peerpulse::proxy
