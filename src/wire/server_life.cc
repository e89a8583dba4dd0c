#include "peerpulse/wire/server_life.h"

#include <algorithm>

#include "peerpulse/base/assert.h"

namespace peerpulse::wire {

namespace {

bool legal(ServerLife::State from, ServerLife::State to) {
  using State = ServerLife::State;
  switch (from) {
    case State::kHandshaking: return to == State::kIdle || to == State::kEnded;
    case State::kIdle: return to == State::kReadingHead || to == State::kBusy || to == State::kEnded;
    case State::kReadingHead: return to == State::kIdle || to == State::kBusy || to == State::kEnded;
    case State::kBusy: return to == State::kIdle || to == State::kEnded;
    case State::kEnded: return false;
  }
  return false;
}

}  // namespace

void ServerLife::enter(State to, TimePoint now) {
  PP_ASSERT(legal(state_, to));
  state_ = to;
  since_ = now;
}

void ServerLife::onHeard(TimePoint now) {
  if (state_ == State::kIdle) enter(State::kReadingHead, now);
}

void ServerLife::onSettled(bool readingHead, TimePoint now) {
  if (state_ == State::kReadingHead && !readingHead) enter(State::kIdle, now);
  // A head that came behind a request has begun before anything more is heard.
  if (state_ == State::kIdle && readingHead) enter(State::kReadingHead, now);
}

void ServerLife::onRequest(TimePoint now) {
  if (state_ != State::kBusy) enter(State::kBusy, now);
}

void ServerLife::onQuiet(TimePoint now) {
  if (state_ == State::kBusy) enter(State::kIdle, now);
}

void ServerLife::onEnded(TimePoint now) { enter(State::kEnded, now); }

// An h2 client that has not acknowledged the notice of the drain by the end of the grace does not run, or does not want to.
ServerLife::Expiry ServerLife::expiry(TimePoint now, const Limits& limits) const {
  if (state_ == State::kReadingHead) return now - since_ > limits.head ? Expiry::kHead : Expiry::kNot;
  if (state_ != State::kIdle && state_ != State::kHandshaking) return Expiry::kNot;
  if (drainingSince_ && now - std::max(since_, *drainingSince_) > kDrainGrace) return Expiry::kDraining;
  if (state_ == State::kHandshaking) return now - since_ > limits.head ? Expiry::kHandshake : Expiry::kNot;
  return now - since_ > limits.idle ? Expiry::kIdle : Expiry::kNot;
}

const char* toString(ServerLife::Expiry expiry) {
  switch (expiry) {
    case ServerLife::Expiry::kNot: return "";
    case ServerLife::Expiry::kIdle: return "idle for too long";
    case ServerLife::Expiry::kDraining: return "draining";
    case ServerLife::Expiry::kHead: return "the request's head took too long";
    case ServerLife::Expiry::kHandshake: return "the handshake took too long";
  }
  return "?";
}

}  // namespace peerpulse::wire
