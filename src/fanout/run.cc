#include "run.h"

#include <algorithm>
#include <utility>

#include "accounts.h"
#include "peerpulse/base/assert.h"
#include "peerpulse/fanout/api.h"

namespace peerpulse::fanout {

namespace {

using State = Run::State;

/// Below this a copy costs less than the read block that a slice would pin while the slowest peer takes its time.
constexpr size_t kCopyBelow = 8 * 1024;
/// Larger bodies, and those of unknown size, do not share connections with small requests.
constexpr uint64_t kBulk = 64 * 1024;

bool legal(State from, State to) {
  switch (from) {
    case State::kReceiving: return to != State::kReceiving;
    case State::kRunning: return to == State::kBackground || to == State::kOver;
    case State::kBackground: return to == State::kOver;
    case State::kOver: return false;
  }
  return false;
}

std::unique_ptr<Plan> planFor(const Call& call, const Options& options, const QuorumTally*& tally) {
  const auto targets = static_cast<uint32_t>(call.targets.size());
  switch (call.operation) {
    case Operation::kAggregate: return std::make_unique<AggregatePlan>(targets, options);
    case Operation::kNotify: return std::make_unique<NotifyPlan>(options);
    case Operation::kQuorum: break;
  }
  auto plan = std::make_unique<QuorumPlan>(targets, call.required);
  tally = &plan->tally();
  return plan;
}

std::optional<Duration> shorter(std::optional<Duration> a, std::optional<Duration> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace

Run::Run(Api& api, Call call, const http::RequestHead& head, Share share, Caller& caller)
    : api_(api),
      call_(std::move(call)),
      share_(std::move(share)),
      caller_(&caller),
      plan_(planFor(call_, api.environment().options, tally_)),
      pace_(call_.targets.size(), plan_->needed(), api.environment().options.replayLimit),
      spec_(specOfLegs(head)),
      started_(api.now()) {
  legs_.reserve(call_.targets.size());
  for (const upstream::PeerOptionsRef& peer : call_.targets)
    legs_.push_back(std::make_unique<Leg>(legs_.size(), peer, headFor(head, call_, *peer), plan_->keep(), *this));
  legsOpen_ = legs_.size();
}

upstream::RequestSpec Run::specOfLegs(const http::RequestHead& head) const {
  const Options& options = api_.environment().options;
  upstream::RequestSpec spec;
  const bool small = head.complete || (head.contentLength && *head.contentLength <= kBulk);
  spec.trafficClass = small ? upstream::TrafficClass::kControl : upstream::TrafficClass::kBulk;
  spec.options = api_.environment().upstream.options;
  spec.deadline = shorter(plan_->legTimeout(), call_.deadline);
  spec.replayLimit = static_cast<size_t>(options.replayLimit);
  return spec;
}

TimePoint Run::now() const { return api_.now(); }

stats::Stats& Run::stats() const { return api_.environment().upstream.stats; }

void Run::enter(State to) {
  PP_ASSERT(legal(state_, to));
  state_ = to;
}

// The answer may be known before all have been asked: who is dead says so at once.
void Run::start() {
  stats().fanout.running.add();
  for (const auto& leg : legs_) {
    if (leg->over()) continue;
    countLegBegun(stats(), *leg);
    leg->start(api_.environment().peers, spec_);
  }
  settle();
}

// --- the caller's body -----------------------------------------------------------------------------------------

void Run::onBody(const Slice& data) {
  if (state_ != State::kReceiving) return;
  bodyTaken_ += data.size();
  if (bodyTaken_ > plan_->bodyLimit()) {
    refuse({413,
            "body_too_large",
            std::string(toString(call_.operation)) + " takes bodies of at most " +
                std::to_string(plan_->bodyLimit()) + " bytes (api.replay_limit)",
            {}});
    return;
  }
  pace_.onTaken(data.size());
  const Slice kept = data.size() < kCopyBelow ? Slice::copyOf(data.view()) : data;
  for (const auto& leg : legs_)
    leg->sendData(kept);
  pace();
}

void Run::onBodyEnd(const http::HeaderList& trailers) {
  if (state_ != State::kReceiving) return;
  enter(State::kRunning);
  for (const auto& leg : legs_)
    leg->sendEnd(trailers);
  if (state_ == State::kRunning) carryOut(plan_->onBodyEnd());
  settle();
}

void Run::onLegBodySent(size_t leg, uint64_t bytes) {
  pace_.onSent(leg, bytes);
  pace();
}

void Run::pace() {
  while (const auto leg = pace_.laggard()) {
    pace_.onLeft(*leg);
    cancel(*legs_[*leg], "too slow: what it has not taken of the body can be kept no longer");
    if (!answered()) carryOut(plan_->onLegEnded(false));
  }
  const uint64_t credit = pace_.takeCredit();
  if (credit > 0 && caller_ != nullptr) caller_->onBodyCredit(credit);
  settle();
}

// --- legs ------------------------------------------------------------------------------------------------------

void Run::onLegEnded(size_t leg) {
  PP_ASSERT(legsOpen_ > 0);
  --legsOpen_;
  countLegEnded(stats(), call_.operation, *legs_[leg]);
  pace_.onLeft(leg);
  if (!answered()) carryOut(plan_->onLegEnded(legs_[leg]->acknowledged()));
  if (state_ == State::kReceiving) pace();
  settle();
}

void Run::carryOut(Step step) {
  if (step == Step::kWait) return;
  const Answer made = makeAnswer();
  answer(made);
  if (step == Step::kAnswerAndStop) cancelLegs("it could not succeed any more");
}

Answer Run::makeAnswer() const {
  switch (call_.operation) {
    case Operation::kQuorum: return quorumAnswer(legs_, *tally_);
    case Operation::kAggregate: return aggregateAnswer(legs_);
    case Operation::kNotify: return notifyAnswer(legs_);
  }
  return {};
}

void Run::refuse(const Refusal& refusal) {
  answer(refusalAnswer(refusal));
  cancelLegs("the request was refused");
  settle();
}

void Run::answer(const Answer& answer) {
  enter(State::kBackground);
  status_ = answer.status;
  stats().fanout.operations[static_cast<size_t>(call_.operation)].duration.observe(now() - started_);
  if (caller_ != nullptr) std::exchange(caller_, nullptr)->onAnswer(answer);
}

void Run::cancelLegs(const char* why) {
  for (const auto& leg : legs_) {
    if (!leg->over()) cancel(*leg, why);
  }
}

void Run::cancel(Leg& leg, const char* why) {
  if (leg.state() == Leg::State::kIdle) countLegBegun(stats(), leg);
  leg.cancel(why);
  --legsOpen_;
  countLegEnded(stats(), call_.operation, leg);
}

// --- ends ------------------------------------------------------------------------------------------------------

void Run::onCallerGone() {
  caller_ = nullptr;
  if (answered()) return;
  cancelLegs("the caller has gone");
  finish();
}

void Run::abandon() {
  caller_ = nullptr;
  if (state_ == State::kOver) return;
  cancelLegs("the process ends");
  finish();
}

// The last leg may have ended inside a call of ours, which goes on with the legs: they stay until the turn's end.
void Run::settle() {
  if (state_ == State::kBackground && legsOpen_ == 0) finish();
}

void Run::finish() {
  enter(State::kOver);
  const Outcome outcome = outcomeOf(call_.operation, legs_, status_);
  stats::FanoutStats& fanout = stats().fanout;
  fanout.operations[static_cast<size_t>(call_.operation)].outcomes[static_cast<size_t>(outcome)].add();
  fanout.running.sub();
  logRun(call_, legs_, status_, now() - started_);
  api_.remove(*this);
}

}  // namespace peerpulse::fanout
