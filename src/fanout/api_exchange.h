// ApiExchange: one request to the API: reads its head, begins the operation, passes the body on, sends the answer.
//
//   Open --the operation's answer, or our refusal--> Answering --the stream is over--> Ended;  Open --reset--> Ended
//
// Threading: its worker's thread.
// Ownership: owned by its ApiConnection; destroyed by deferred deletion, because the codec calls into it.
#pragma once

#include <list>
#include <memory>

#include "peerpulse/event/scheduler.h"
#include "peerpulse/http/codec.h"
#include "run.h"

namespace peerpulse::fanout {

class ApiConnection;

class ApiExchange final : public http::Receiver, public event::DeferredDeletable, public Caller {
 public:
  enum class State : uint8_t { kOpen, kAnswering, kEnded };
  using List = std::list<std::unique_ptr<ApiExchange>>;

  ApiExchange(Api& api, ApiConnection& connection, http::ResponseStream& stream);

  void start(const http::RequestHead& head);
  void refuse(const Refusal& refusal) { answer(refusalAnswer(refusal)); }
  bool answering() const { return state_ == State::kAnswering; }
  /// It is the caller's turn, and has been for too long.
  bool overdue(TimePoint now) const;
  /// Ends it: the caller's stream is reset.
  void giveUp();

  List::iterator self;  ///< the place in the connection's list

 private:
  // http::Receiver
  void onData(Slice data) override;
  void onTrailers(http::HeaderList&& trailers) override { trailers_ = std::move(trailers); }
  void onEnd() override;
  void onBodySent(size_t) override;
  void onClosed() override;
  void onReset(http::ResetReason reason, std::string_view detail) override;
  // Caller
  void onAnswer(const Answer& made) override;
  void onBodyCredit(uint64_t bytes) override;

  void enter(State to);
  void countRefused(const Call& call);
  std::optional<Share> admit(const http::RequestHead& head, const Call& call);
  void answer(const Answer& made);
  void end();

  Api& api_;
  ApiConnection& connection_;
  http::ResponseStream* stream_;  // null once it is over
  State state_ = State::kOpen;
  Run* run_ = nullptr;  // until it has answered
  uint64_t owed_ = 0;   // of the body: passed on, and no credit for it yet
  bool bodyEnded_ = false;
  TimePoint movedAt_;  // a byte did, of the body or of the answer
  http::HeaderList trailers_;
  Share answerShare_;  // until the stream is over: answers wait for callers that do not read
};

}  // namespace peerpulse::fanout
