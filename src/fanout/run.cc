#include "run.h"

#include <algorithm>
#include <utility>

#include "accounts.h"
#include "erasure_run.h"
#include "fan_run.h"
#include "hedged_read.h"
#include "peerpulse/base/assert.h"
#include "peerpulse/fanout/api.h"
#include "room.h"

namespace peerpulse::fanout {

namespace {

using State = Run::State;

/// Below this a copy costs less than the read block that a slice would pin while the slowest peer takes its time.
constexpr size_t kCopyBelow = 8 * 1024;
/// A notification was taken: from here on it must not be lost silently.
constexpr int kAccepted = 202;
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

std::optional<Duration> shorter(std::optional<Duration> a, std::optional<Duration> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace

std::unique_ptr<Run> makeRun(Api& api, Call call, const http::RequestHead& head, Share share, Caller& caller) {
  if (call.operation == Operation::kErasure) {
    return std::make_unique<ErasureRun>(api, std::move(call), head, std::move(share), caller);
  }
  if (call.hedge.wanted()) return std::make_unique<HedgedRead>(api, std::move(call), head, std::move(share), caller);
  return std::make_unique<FanRun>(api, std::move(call), head, std::move(share), caller);
}

Run::Run(Api& api, Call call, Share share, Caller& caller)
    : api_(api), call_(std::move(call)), share_(std::move(share)), caller_(&caller), started_(api.now()) {
  stats().fanout.running.add();
  if (call_.operation == Operation::kErasure) stats().uploads.started();
}

TimePoint Run::now() const { return api_.now(); }

stats::Stats& Run::stats() const { return api_.environment().upstream.stats; }

void Run::enter(State to) {
  PP_ASSERT(legal(state_, to));
  state_ = to;
}

// --- the caller's body -----------------------------------------------------------------------------------------

void Run::onBody(const Slice& data) {
  if (state_ != State::kReceiving) return;
  bodyTaken_ += data.size();
  if (bodyTaken_ <= bodyLimit()) {
    take(data.size() < kCopyBelow ? Slice::copyOf(data.view()) : data);
    return;
  }
  answer(refusalAnswer({413,
                        "body_too_large",
                        std::string(toString(call_.operation)) + " takes bodies of at most " +
                            std::to_string(bodyLimit()) + " bytes (api.replay_limit)",
                        {}}));
  cancelLegs("the request was refused");
  settle();
}

void Run::onBodyEnd(http::HeaderList&& trailers) {
  if (state_ != State::kReceiving) return;
  enter(State::kRunning);
  trailers_ = std::move(trailers);
  takeEnd();
  settle();
}

void Run::credit(uint64_t bytes) {
  if (bytes > 0 && caller_ != nullptr) caller_->onBodyCredit(bytes);
}

// --- legs ------------------------------------------------------------------------------------------------------

// The caller's deadline counts from the beginning, whenever the leg begins.
upstream::RequestSpec Run::specFor(const http::RequestHead& head, std::optional<Duration> timeout) const {
  std::optional<Duration> left;
  if (call_.deadline) left = std::max<Duration>(*call_.deadline - elapsed(), Duration::zero());
  upstream::RequestSpec spec;
  const bool small = head.complete || (head.contentLength && *head.contentLength <= kBulk);
  spec.trafficClass = small ? upstream::TrafficClass::kControl : upstream::TrafficClass::kBulk;
  spec.options = api_.environment().upstream.options;
  spec.deadline = shorter(timeout, left);
  spec.wholeAnswer = true;
  spec.replayLimit = static_cast<size_t>(replayFor(head, api_.environment().options));
  return spec;
}

std::optional<Duration> Run::autoTimeout(const upstream::PeerOptions& peer,
                                         upstream::TrafficClass trafficClass) const {
  const stats::LatencyWindow& latency = stats().peer(peer.id).latency[static_cast<size_t>(trafficClass)];
  const Environment& environment = api_.environment();
  return upstream::autoTimeout(latency.snapshot(), environment.upstream.options->timing, environment.upstream.now());
}

Leg& Run::addLeg(upstream::PeerOptionsRef peer, http::RequestHead head, bool keepAnswer) {
  const Leg::Answer answer{keepAnswer, api_.environment().options.answerLimit};
  legs_.push_back(std::make_unique<Leg>(legs_.size(), std::move(peer), std::move(head), answer, *this));
  ++legsOpen_;
  return *legs_.back();
}

void Run::begin(Leg& leg, upstream::RequestSpec spec) {
  countLegBegun(stats(), leg);
  leg.start(api_.environment().peers, std::move(spec));
}

void Run::noteEnded(const Leg& leg) {
  PP_ASSERT(legsOpen_ > 0);
  --legsOpen_;
  countLegEnded(stats(), call_.operation, leg, api_.environment().scheduler.wallNow());
}

void Run::cancel(Leg& leg, const char* why) {
  leg.cancel(why);
  noteEnded(leg);
}

void Run::cancelLegs(const char* why) {
  for (const auto& leg : legs_) {
    if (!leg->over()) cancel(*leg, why);
  }
}

// --- ends ------------------------------------------------------------------------------------------------------

void Run::answer(const Answer& answer) {
  enter(State::kBackground);
  status_ = answer.status;
  stats().fanout.operations[static_cast<size_t>(call_.operation)].duration.observe(elapsed());
  if (caller_ != nullptr) std::exchange(caller_, nullptr)->onAnswer(answer);
}

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
  if (call_.operation == Operation::kNotify && status_ == kAccepted) noteUndelivered(stats(), call_, legs_);
  if (call_.operation == Operation::kErasure) countUploadEnded(stats(), legs_, status_, bodyTaken_, elapsed());
  logRun(call_, legs_, outcome, status_, elapsed());
  api_.remove(*this);
}

}  // namespace peerpulse::fanout
