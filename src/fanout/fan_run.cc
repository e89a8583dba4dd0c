#include "fan_run.h"

#include <algorithm>
#include <utility>

#include "peerpulse/fanout/api.h"

namespace peerpulse::fanout {

namespace {

std::unique_ptr<Plan> planFor(const Call& call, const Options& options, const QuorumTally*& tally) {
  const auto targets = static_cast<uint32_t>(call.targets.size());
  if (call.operation == Operation::kAggregate) return std::make_unique<AggregatePlan>(targets, options);
  if (call.operation == Operation::kNotify) return std::make_unique<NotifyPlan>(options);
  auto plan = std::make_unique<QuorumPlan>(targets, call.required, call.read);
  tally = &plan->tally();
  return plan;
}

}  // namespace

FanRun::FanRun(Api& api, Call asked, const http::RequestHead& head, Share share, Caller& caller)
    : Run(api, std::move(asked), std::move(share), caller),
      plan_(planFor(call(), api.environment().options, tally_)),
      pace_(call().targets.size(), plan_->needed(), api.environment().options.replayLimit, api.now()),
      waitsForPeers_(call().read && head.complete),
      length_(head.contentLength),
      spec_(specFor(head, waitsForPeers_ ? std::nullopt : plan_->legTimeout())) {
  for (const Target& target : call().targets)
    addLeg(target.peer, headFor(head, target), plan_->keepsAnswers());
}

// The answer may be known before all have been asked: who is dead says so at once.
void FanRun::start() {
  for (const auto& leg : legs()) {
    if (!leg->over()) begin(*leg, specOf(*leg));
  }
  settle();
}

// Of a read without a body, a peer has its own time to answer; with one, the caller's are counted as well, or one that does not
// come to its end would hold the operation. Who is asked later has no more of the caller's.
upstream::RequestSpec FanRun::specOf(const Leg& leg) const {
  upstream::RequestSpec spec = spec_;
  if (spec.deadline) spec.deadline = std::max<Duration>(*spec.deadline - elapsed(), Duration::zero());
  if (!waitsForPeers_) return spec;
  const Options& options = api().environment().options;
  spec.patience = options.peerTimeout;
  if (options.peerTimeoutAuto)
    spec.patience = autoTimeout(leg.peer(), spec.trafficClass).value_or(options.peerTimeout);
  return spec;
}

void FanRun::take(const Slice& data) {
  if (tooLate()) return refuseLate();
  passedOn_ += data.size();
  pace_.onTaken(data.size(), now());
  for (const auto& leg : legs())
    leg->sendData(data);
  pace();
}

void FanRun::takeEnd() {
  if (tooLate()) return refuseLate();
  for (const auto& leg : legs())
    leg->sendEnd(trailers());
  if (!answered()) carryOut(plan_->onBodyEnd());
}

// A notification of which something comes after its caller's time is not accepted: nobody could be told of it any more. Without
// its last byte, or the end of a body of unknown length, nobody takes it for whole.
bool FanRun::tooLate() const { return call().operation == Operation::kNotify && late() && length_ != passedOn_; }

void FanRun::refuseLate() {
  answer(refusalAnswer({504,
                        "deadline_passed",
                        "the caller's deadline passed before the whole notification was here: nothing was delivered",
                        {}}));
  cancelLegs("the caller's time is over");
  settle();
}

void FanRun::onLegBodySent(size_t leg, uint64_t bytes) {
  pace_.onSent(leg, bytes, now());
  pace();
}

// Once it is answered the whole body is here, or nobody wants it.
void FanRun::pace() {
  if (answered()) return settle();
  while (const auto leg = pace_.laggard(now())) {
    giveUp(*leg, "too slow: the others have waited for it");
    if (answered()) return settle();
  }
  credit(pace_.takeCredit(now()));
  armPatience();
  settle();
}

void FanRun::giveUp(size_t leg, const char* why) {
  pace_.onLeft(leg, now());
  cancel(*legs()[leg], why);
  carryOut(plan_->onLegEnded(false));
}

// Most bodies are small, and nobody ever waits.
void FanRun::armPatience() {
  const auto left = pace_.patienceLeft();
  if (!left) {
    if (patience_) patience_->disable();
    return;
  }
  if (!patience_) patience_ = api().environment().scheduler.createTimer([this] { pace(); });
  patience_->enable(*left);
}

void FanRun::onLegEnded(size_t leg) {
  noteEnded(*legs()[leg]);
  pace_.onLeft(leg, now());
  if (!answered()) carryOut(plan_->onLegEnded(legs()[leg]->acknowledged()));
  if (state() == State::kReceiving) pace();
  settle();
}

void FanRun::carryOut(Step step) {
  if (step == Step::kWait) return;
  const bool reached = tally_ != nullptr && tally_->standing() == QuorumTally::Standing::kReached;
  if (step == Step::kAnswerAndStop && reached) cancelLegs("the others have answered");
  answer(makeAnswer());
  if (step == Step::kAnswerAndStop) cancelLegs("it could not succeed any more");
}

Answer FanRun::makeAnswer() const {
  if (tally_ != nullptr) return quorumAnswer(legs(), *tally_);
  return call().operation == Operation::kAggregate ? aggregateAnswer(legs()) : notifyAnswer(legs());
}

}  // namespace peerpulse::fanout
