#include "api_exchange.h"

#include <algorithm>
#include <utility>

#include "api_connection.h"
#include "peerpulse/base/assert.h"
#include "peerpulse/fanout/api.h"
#include "peerpulse/http/via.h"
#include "room.h"

namespace peerpulse::fanout {

namespace {

using State = ApiExchange::State;

bool legal(State from, State to) {
  switch (from) {
    case State::kOpen: return to != State::kOpen;
    case State::kAnswering: return to == State::kEnded;
    case State::kEnded: return false;
  }
  return false;
}

Refusal tooMany(const Options& options) {
  return {503,
          "too_many_operations",
          std::to_string(options.maxOperations) +
              " operations are under way (api.max_operations), those in the background included: try again later",
          {}};
}

Refusal noMemory(const Options& options) {
  return {503,
          "memory_exhausted",
          "the bodies of other operations fill the " + std::to_string(options.memory) +
              " bytes of api.memory: try again later",
          {}};
}

Refusal looped() { return {502, "proxy_loop_detected", "the request has passed through this process before", {}}; }

}  // namespace

ApiExchange::ApiExchange(Api& api, ApiConnection& connection, http::ResponseStream& stream)
    : api_(api), connection_(connection), stream_(&stream), movedAt_(api.loopTime()) {}

void ApiExchange::enter(State to) {
  PP_ASSERT(legal(state_, to));
  state_ = to;
}

void ApiExchange::start(const http::RequestHead& head) {
  const Environment& environment = api_.environment();
  if (http::hasBeenHere(head.headers, environment.pseudonym)) {
    refuse(looped());
    return;
  }
  auto read = readCall(head, *environment.peerSet, environment.options);
  if (const auto* refusal = std::get_if<Refusal>(&read)) {
    refuse(*refusal);
    return;
  }
  auto share = admit(head, std::get<Call>(read));
  if (!share) return;
  if (http::equalsIgnoreCase(head.headers.find("expect"), "100-continue")) {
    http::ResponseHead goOn;
    goOn.status = 100;
    stream_->sendInformational(goOn);
  }
  http::RequestHead passed = head;
  http::addVia(passed, environment.pseudonym);
  run_ = &api_.begin(makeRun(api_, std::move(std::get<Call>(read)), passed, std::move(*share), *this));
  run_->start();
}

// Who uploads looks for it among his uploads.
void ApiExchange::countRefused(const Call& call) {
  if (call.operation != Operation::kErasure) return;
  stats::UploadStats& uploads = api_.environment().upstream.stats.uploads;
  uploads.started();
  uploads.failed(stats::UploadFailure::kLocalLimit);
}

// What it may take is settled before anything is done.
std::optional<Share> ApiExchange::admit(const http::RequestHead& head, const Call& call) {
  const Environment& environment = api_.environment();
  stats::FanoutStats& stats = environment.upstream.stats.fanout;
  Share share;
  if (!share.begin(environment.budget)) {
    stats.refusedOperations.add();
    countRefused(call);
    refuse(tooMany(environment.options));
    return std::nullopt;
  }
  if (!share.grow(roomFor(head, call.targets.size(), environment.options, api_.limits().streamWindow))) {
    stats.refusedMemory.add();
    countRefused(call);
    refuse(noMemory(environment.options));
    return std::nullopt;
  }
  return share;
}

// --- the body --------------------------------------------------------------------------------------------------

void ApiExchange::onData(Slice data) {
  movedAt_ = api_.loopTime();
  if (run_ == nullptr) {
    stream_->consumed(data.size());
    return;
  }
  owed_ += data.size();
  run_->onBody(data);
}

void ApiExchange::onBodyCredit(uint64_t bytes) {
  owed_ -= bytes;
  movedAt_ = api_.loopTime();
  if (stream_ != nullptr) stream_->consumed(bytes);
}

void ApiExchange::onEnd() {
  bodyEnded_ = true;
  if (run_ != nullptr) run_->onBodyEnd(std::move(trailers_));
}

// --- the answer ------------------------------------------------------------------------------------------------

// What was not taken of the body has no reader any more; its sender may have more, and is read on.
void ApiExchange::onAnswer(const Answer& made) {
  run_ = nullptr;
  const uint64_t owed = std::exchange(owed_, 0);
  answer(made);
  if (stream_ != nullptr && owed > 0) stream_->consumed(owed);
}

void ApiExchange::answer(const Answer& made) {
  enter(State::kAnswering);
  movedAt_ = api_.loopTime();
  http::ResponseHead head;
  head.status = made.status;
  head.headers = made.headers;
  head.headers.add("content-type", "application/json");
  head.headers.add("content-length", std::to_string(made.body.size()));
  head.contentLength = made.body.size();
  answerShare_.charge(api_.environment().budget, made.body.size());
  stream_->sendHeaders(head, false);
  stream_->sendData(Slice::copyOf(made.body));
  stream_->sendEnd();
}

// --- ends ------------------------------------------------------------------------------------------------------

bool ApiExchange::overdue(TimePoint now) const {
  const bool owesBody = state_ == State::kOpen && !bodyEnded_ && owed_ == 0;
  return (owesBody || state_ == State::kAnswering) && now - movedAt_ > Api::kCallerTimeout;
}

void ApiExchange::giveUp() {
  std::exchange(stream_, nullptr)->reset(http::ResetReason::kCancel);
  end();
}

void ApiExchange::onBodySent(size_t) { movedAt_ = api_.loopTime(); }

void ApiExchange::onClosed() { end(); }

void ApiExchange::onReset(http::ResetReason, std::string_view) { end(); }

void ApiExchange::end() {
  stream_ = nullptr;
  enter(State::kEnded);
  if (run_ != nullptr) std::exchange(run_, nullptr)->onCallerGone();
  connection_.remove(*this);
}

}  // namespace peerpulse::fanout
