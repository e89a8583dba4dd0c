// Run: one operation under way: its legs, the caller's body on its way to them, and the one answer.
//
//   Receiving --the caller's body is complete--> Running       (its legs run from the start)
//   Receiving, Running --the plan says so--> Background --the last leg has ended--> Over
//   Receiving, Running --the caller has gone, or may not go on--> Over
//
// Threading: its worker's thread.
// Ownership: owned by its Api, which it outlives no longer than a turn (deferred deletion). The caller lets go by
//   onCallerGone(), and is not called after it or after onAnswer().
// Memory: of the body, what BodyPace lets in; of the answers, what the plan keeps; both come out of the Share.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "answer.h"
#include "body_pace.h"
#include "leg.h"
#include "peerpulse/fanout/budget.h"
#include "plan.h"

namespace peerpulse::fanout {

class Api;

/// Who asked.
class Caller {
 public:
  virtual ~Caller() = default;
  /// Once.
  virtual void onAnswer(const Answer& answer) = 0;
  /// So many bytes of the body have been taken.
  virtual void onBodyCredit(uint64_t bytes) = 0;
};

class Run final : public event::DeferredDeletable, public LegOwner {
 public:
  enum class State : uint8_t { kReceiving, kRunning, kBackground, kOver };
  using List = std::list<std::unique_ptr<Run>>;

  Run(Api& api, Call call, const http::RequestHead& head, Share share, Caller& caller);

  void start();
  void onBody(const Slice& data);
  void onBodyEnd(const http::HeaderList& trailers);
  /// Before the answer: it stops.
  void onCallerGone();
  /// The process ends: what is under way is lost, and said.
  void abandon();

  List::iterator self;  ///< the place in the Api's list

 private:
  TimePoint now() const override;
  bool onLegKeeps(uint64_t bytes) override { return share_.grow(bytes); }
  void onLegBodySent(size_t leg, uint64_t bytes) override;
  void onLegEnded(size_t leg) override;

  stats::Stats& stats() const;
  void enter(State to);
  bool answered() const { return state_ == State::kBackground || state_ == State::kOver; }
  void carryOut(Step step);
  Answer makeAnswer() const;
  void refuse(const Refusal& refusal);
  void answer(const Answer& answer);
  void pace();
  void cancel(Leg& leg, const char* why);
  void cancelLegs(const char* why);
  void settle();
  void finish();
  upstream::RequestSpec specOfLegs(const http::RequestHead& head) const;

  Api& api_;
  const Call call_;
  Share share_;
  Caller* caller_;  // null once it is answered, or gone
  State state_ = State::kReceiving;
  const QuorumTally* tally_ = nullptr;  // of the plan, if it has one
  const std::unique_ptr<Plan> plan_;    // after it: its making finds it
  BodyPace pace_;
  upstream::RequestSpec spec_;
  const TimePoint started_;
  uint64_t bodyTaken_ = 0;
  size_t legsOpen_ = 0;
  int status_ = 0;  // of the answer
  Legs legs_;
};

}  // namespace peerpulse::fanout
