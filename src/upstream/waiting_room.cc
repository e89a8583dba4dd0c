#include "waiting_room.h"

#include "admission.h"
#include "peerpulse/event/sliced_work.h"
#include "peerpulse/upstream/peer.h"

namespace peerpulse::upstream {

WaitingRoom::WaitingRoom(Peer& peer, ConnectLimit& connectLimit)
    : peer_(peer),
      context_(peer.context()),
      connectLimit_(connectLimit),
      timer_(context_.io.scheduler.createTimer([this] { onTimer(); })) {}

WaitingRoom::~WaitingRoom() = default;

void WaitingRoom::add(Request& request) { held_.pushBack(request); }

bool WaitingRoom::mayGo(const health::CircuitWord& word, bool inTurn) {
  noteOutage(word);  // the word may be newer than what this worker was woken for
  if (!inTurn && timer_->enabled() && !held_.empty()) return false;
  return ramp_.admit(context_.now());
}

void WaitingRoom::onCircuitChange(const health::CircuitWord& word) {
  noteOutage(word);
  letGo();
}

void WaitingRoom::clear() {
  while (!held_.empty())
    held_.front().onPeerGone();
}

std::optional<TimePoint> WaitingRoom::heldSince() {
  std::optional<TimePoint> longest;
  held_.forEach([&](const Request& request) {
    if (!longest || request.heldSince() < *longest) longest = request.heldSince();
  });
  return longest;
}

void WaitingRoom::noteOutage(const health::CircuitWord& word) {
  const bool outage = word.circuit != health::CircuitState::kClosed;
  if (outage == outage_) return;
  outage_ = outage;
  if (outage) {
    endRamp();
  } else {
    startRamp();
  }
}

void WaitingRoom::startRamp() {
  const TimePoint now = context_.now();
  ramp_.start(now, context_.jitter());
  connectLimit_.most = ConnectLimit::kReturning;
  timer_->enable(ramp_.nextStep(now) - now);
}

void WaitingRoom::endRamp() {
  ramp_.stop();
  connectLimit_.most = ConnectLimit::kUsual;
}

void WaitingRoom::onTimer() {
  const TimePoint now = context_.now();
  if (ramp_.ramping(now)) {
    timer_->enable(ramp_.nextStep(now) - now);
  } else {
    endRamp();
    peer_.onLimitRaised();
  }
  letGo();
}

// As many as the ramp and a slice of the loop's time allow; the timer goes on.
void WaitingRoom::letGo() {
  const TimePoint stop = context_.now() + event::SlicedWork::kSlice;
  for (size_t n = held_.size(); n > 0 && !held_.empty(); --n) {
    const TimePoint now = context_.now();
    if (now >= stop) {
      timer_->enable(Duration::zero());
      return;
    }
    const Admission admission = admit(peer_.word(), context_.table.proberStalled(now));
    if (admission == Admission::kHold) return;
    if (admission == Admission::kFlow && !ramp_.mayAdmit(now)) return;
    held_.front().onTurn();
  }
}

}  // namespace peerpulse::upstream
