// Run: one operation under way: its legs, the caller's body on its way to them, and the one answer. What is particular to an
// operation is its subclass's: FanRun asks many peers at once, ErasureRun one after the other.
//
//   Receiving --the caller's body is complete--> Running       (its legs run from the start)
//   Receiving, Running --answer()--> Background --the last leg has ended--> Over
//   Receiving, Running --the caller has gone--> Over
//
// Threading: its worker's thread.
// Ownership: owned by its Api, which it outlives no longer than a turn (deferred deletion). The caller lets go by
//   onCallerGone(), and is not called after it or after onAnswer().
// Memory: what is kept of bodies comes out of the Share.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "answer.h"
#include "leg.h"
#include "peerpulse/fanout/budget.h"

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

class Run : public event::DeferredDeletable, public LegOwner {
 public:
  enum class State : uint8_t { kReceiving, kRunning, kBackground, kOver };
  using List = std::list<std::unique_ptr<Run>>;

  virtual void start() = 0;
  void onBody(const Slice& data);
  void onBodyEnd(http::HeaderList&& trailers);
  /// Before the answer: it stops.
  void onCallerGone();
  /// The process ends: what is under way is lost, and said.
  void abandon();

  List::iterator self;  ///< the place in the Api's list

 protected:
  Run(Api& api, Call call, Share share, Caller& caller);

  /// Of the body; it is within the limit.
  virtual void take(const Slice& data) = 0;
  virtual void takeEnd() = 0;
  /// Of the body; beyond it the caller is refused.
  virtual uint64_t bodyLimit() const { return UINT64_MAX; }

  // LegOwner
  TimePoint now() const override;
  bool onLegKeeps(uint64_t bytes) override { return share_.grow(bytes); }

  Leg& addLeg(upstream::PeerOptionsRef peer, http::RequestHead head, bool keepAnswer);
  /// The caller's deadline has passed.
  bool late() const { return call_.deadline && elapsed() >= *call_.deadline; }
  void begin(Leg& leg, upstream::RequestSpec spec);
  /// First of all in onLegEnded().
  void noteEnded(const Leg& leg);
  void cancel(Leg& leg, const char* why);
  void cancelLegs(const char* why);
  void credit(uint64_t bytes);
  void answer(const Answer& answer);
  /// Last of all in whatever may have ended a leg, or answered.
  void settle();
  upstream::RequestSpec specFor(const http::RequestHead& head, std::optional<Duration> timeout) const;
  /// What "auto" is now for requests of this class to it; nothing: too little is known.
  std::optional<Duration> autoTimeout(const upstream::PeerOptions& peer, upstream::TrafficClass trafficClass) const;

  State state() const { return state_; }
  bool answered() const { return state_ == State::kBackground || state_ == State::kOver; }
  const Call& call() const { return call_; }
  const Legs& legs() const { return legs_; }
  Api& api() const { return api_; }
  const http::HeaderList& trailers() const { return trailers_; }
  Duration elapsed() const { return now() - started_; }
  stats::Stats& stats() const;

 private:
  void enter(State to);
  void finish();

  Api& api_;
  const Call call_;
  Share share_;
  Caller* caller_;  // null once it is answered, or gone
  State state_ = State::kReceiving;
  const TimePoint started_;
  uint64_t bodyTaken_ = 0;
  http::HeaderList trailers_;
  size_t legsOpen_ = 0;
  int status_ = 0;  // of the answer
  Legs legs_;
};

/// `head` is the caller's.
std::unique_ptr<Run> makeRun(Api& api, Call call, const http::RequestHead& head, Share share, Caller& caller);

}  // namespace peerpulse::fanout
