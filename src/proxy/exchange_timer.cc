// Exchange: its one timer, and what happens when it fires.
#include <algorithm>

#include "exchange.h"
#include "peerpulse/proxy/peer_proxy.h"

namespace peerpulse::proxy {

void Exchange::armTimer() {
  const TimePoint next = std::min(wakeAt_, deadlines_->next());
  if (next == TimePoint::max()) {
    if (timer_) timer_->disable();
    timerArmedFor_ = next;
    return;
  }
  // Progress moves the stall deadline all the time: a timer that fires early looks again, one that is armed
  // for an earlier moment need not be touched.
  if (timer_ && timer_->enabled() && timerArmedFor_ <= next) return;
  if (!timer_) timer_ = peer_.context().dispatcher.createTimer([this] { onTimer(); });
  timerArmedFor_ = next;
  timer_->enable(next - now());
}

void Exchange::onTimer() {
  if (state_ == State::kFailing || state_ == State::kDone) return;
  const TimePoint at = now();
  if (const Expiry expiry = deadlines_->expired(at); expiry != Expiry::kNone) {
    onExpiry(expiry);
    return;
  }
  if (at >= wakeAt_ && state_ == State::kHeld) {
    heldLongEnough_ = true;
    onTurn();
    return;
  }
  if (at >= wakeAt_ && state_ == State::kBackingOff) {
    wakeAt_ = TimePoint::max();
    state_ = State::kAdmitting;
    admit();
    return;
  }
  armTimer();
}

void Exchange::onExpiry(Expiry expiry) {
  record_.timedOut = true;
  if (!responseStarted_ && state_ != State::kHeld) {  // held by us: not the peer's doing
    recordOutcome(expiry == Expiry::kConnect ? health::Outcome::kConnectFailure : health::Outcome::kTimeout);
  }
  switch (expiry) {
    case Expiry::kConnect: fail(Failure{ProxyError::kConnectionTimeout, "no connection to the peer in time"}); return;
    case Expiry::kStall:
      fail(Failure{ProxyError::kConnectionReadTimeout, "no byte moved for the stall timeout"});
      return;
    case Expiry::kGrpcDeadline:
      fail(Failure{ProxyError::kHttpResponseTimeout, "the request's grpc-timeout passed"});
      return;
    case Expiry::kTotal:
      fail(Failure{ProxyError::kHttpResponseTimeout, "the exchange took longer than its class allows"});
      return;
    case Expiry::kNone: return;
  }
}

}  // namespace peerpulse::proxy
