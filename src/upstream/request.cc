// Request: admission by the circuit, the wait, and the attempts.
#include "peerpulse/upstream/request.h"

#include <algorithm>

#include "admission.h"
#include "admission_ramp.h"
#include "peer_governors.h"
#include "peerpulse/base/assert.h"
#include "peerpulse/upstream/peer.h"
#include "pool.h"
#include "retry_budget.h"

namespace peerpulse::upstream {

namespace {

bool legal(Request::State from, Request::State to) {
  using State = Request::State;
  switch (from) {
    case State::kAdmitting: return to == State::kHeld || to == State::kWaiting || to == State::kEnded;
    case State::kHeld: return to == State::kAdmitting || to == State::kEnded;
    case State::kWaiting:
      return to == State::kSending || to == State::kBackingOff || to == State::kFailing || to == State::kEnded;
    case State::kSending:
      return to == State::kAnswering || to == State::kBackingOff || to == State::kFailing || to == State::kEnded;
    case State::kAnswering: return to == State::kAnswered || to == State::kFailing || to == State::kEnded;
    case State::kAnswered:
    case State::kFailing: return to == State::kEnded;
    case State::kBackingOff: return to == State::kAdmitting || to == State::kEnded;
    case State::kEnded: return false;
  }
  return false;
}

bool isInFlight(Request::State state) {
  using State = Request::State;
  return state == State::kWaiting || state == State::kSending || state == State::kAnswering ||
         state == State::kAnswered || state == State::kBackingOff || state == State::kFailing;
}

// Classes never share a connection.
TrafficClass anotherThan(TrafficClass trafficClass) {
  return trafficClass == TrafficClass::kStream ? TrafficClass::kControl : TrafficClass::kStream;
}

}  // namespace

const char* toString(Request::State state) {
  using State = Request::State;
  switch (state) {
    case State::kAdmitting: return "admitting";
    case State::kHeld: return "held";
    case State::kWaiting: return "waiting";
    case State::kSending: return "sending";
    case State::kAnswering: return "answering";
    case State::kAnswered: return "answered";
    case State::kBackingOff: return "backing_off";
    case State::kFailing: return "failing";
    case State::kEnded: return "ended";
  }
  return "?";
}

Request::Request(Peer& peer, RequestSpec spec, RequestOwner& owner)
    : peer_(peer),
      spec_(std::move(spec)),
      owner_(owner),
      trial_(peer.context().trials),
      replay_(spec_.replayLimit),
      bodyEnded_(spec_.head->complete),
      answerRoom_(spec_.answerRoom),
      deadlines_(spec_.options->timeoutsOf(spec_.trafficClass), now(), spec_.deadline) {
  if (spec_.patience) deadlines_.onPatience(*spec_.patience, now());
}

Request::~Request() { cancel(); }

TimePoint Request::now() const { return peer_.context().deadlineNow(); }

// The one place where the state changes, and with it the list the request is in.
void Request::enter(State to) {
  PP_ASSERT(legal(state_, to));
  if (state_ != State::kFailing && (to == State::kFailing || to == State::kEnded)) endedIn_ = phaseNow();
  const State from = std::exchange(state_, to);
  if (from == State::kHeld) {
    ListNode<HeldTag>::unlink();
    peer_.stats().held.sub();
    wakeAt_ = TimePoint::max();
  }
  if (to == State::kWaiting) heldSince_ = TimePoint::max();
  if (to == State::kHeld) {
    heldSince_ = std::min(heldSince_, peer_.context().now());
    peer_.hold(*this);
    peer_.stats().held.add();
  }
  if (isInFlight(to) && !inFlight()) peer_.track(*this);
  if (!isInFlight(to) && inFlight()) peer_.untrack(*this);
}

// Also of an attempt that has just been lost: the counts are still its own.
Phase Request::phaseNow() const {
  switch (state_) {
    case State::kWaiting: return Phase::kConnect;
    case State::kSending: return bodyEndSent_ && bodySent_ == bodyGiven_ ? Phase::kWait : Phase::kRequest;
    case State::kAnswering: return tunnel_ ? Phase::kTunnel : Phase::kResponse;
    case State::kAnswered: return tunnel_ ? Phase::kTunnel : Phase::kRest;
    default: return Phase::kQueue;
  }
}

void Request::start() {
  PP_ASSERT(state_ == State::kAdmitting);
  if (spec_.head->contentLength) deadlines_.onContentLength(*spec_.head->contentLength, now());
  peer_.retryBudget().onRequest(spec_.options->retry.budgetPercent);
  admit(false);
}

void Request::admit(bool inTurn) {
  const health::CircuitWord word = peer_.word();
  switch (upstream::admit(word, peer_.proberStalled())) {
    case Admission::kFlow: go(word, inTurn); return;
    case Admission::kHold:
      if (heldLongEnough_) {
        go(word, inTurn);
      } else {
        holdForVerdict();
      }
      return;
    case Admission::kTrial: takeTrial(word); return;
    case Admission::kFailOpen:
      peer_.stats().failOpenTotal.add();
      generation_ = word.generation;
      attempt();
      return;
    case Admission::kFail: fail(peer_.refusal(word)); return;
  }
}

void Request::go(const health::CircuitWord& word, bool inTurn) {
  generation_ = word.generation;
  if (tooManyWait()) {
    fail(PeerGovernors::refusal());
  } else if (peer_.enter(word, inTurn)) {
    attempt();
  } else {
    holdForRamp();
  }
}

void Request::takeTrial(const health::CircuitWord& word) {
  generation_ = word.generation;
  if (trial_.take(peer_.id(), word.generation)) {
    attempt();
  } else {
    fail(peer_.refusal(word));
  }
}

// What streams, and tunnels, have no latency of the peer's.
bool Request::governed() const { return spec_.trafficClass != TrafficClass::kStream && spec_.head->upgrade.empty(); }

// Of a request that has been let through before, nothing is asked.
bool Request::tooManyWait() {
  return !ticket_.held() && governed() && peer_.governors().refuses(spec_.trafficClass, now());
}

// Until the peer's turn says so, within the ramp's length; the request's own deadlines go on.
void Request::holdForRamp() {
  enter(State::kHeld);
  peer_.stats().rampedTotal.add();
  // Only in case that the peer turns suspect meanwhile and no verdict comes.
  wakeAt_ = now() + AdmissionRamp::kLength + (heldLongEnough_ ? Duration::zero() : spec_.options->holdFor);
  armTimer();
}

void Request::holdForVerdict() {
  enter(State::kHeld);
  peer_.stats().heldTotal.add();
  wakeAt_ = now() + spec_.options->holdFor;
  armTimer();
}

void Request::onTurn() {
  enter(State::kAdmitting);
  admit(true);
}

void Request::attempt() {
  enter(State::kWaiting);
  wantedAt_ = now();
  if (!ticket_.held() && governed()) peer_.governors().enter(spec_.trafficClass, ticket_);
  deadlines_.onConnecting(now());
  armTimer();
  attempt_.begin(peer_.pool(spec_.apart ? anotherThan(spec_.trafficClass) : spec_.trafficClass),
                 peer_.protocolFor(*spec_.head));
}

}  // namespace peerpulse::upstream
