#include "virtual_time.h"

#include <algorithm>

#include "peerpulse/base/assert.h"

namespace peerpulse::test {

VirtualTime::Participant::Participant(VirtualTime& time, Rank rank) : time_(time), rank_(rank) {
  time_.participants_.push_back(this);
}

VirtualTime::Participant::~Participant() { std::erase(time_.participants_, this); }

VirtualTime::~VirtualTime() { PP_ASSERT(participants_.empty()); }

TimePoint VirtualTime::nextEvent() {
  TimePoint at = TimePoint::max();
  for (Participant* participant : participants_)
    at = std::min(at, participant->nextEvent());
  return std::max(at, now_);
}

bool VirtualTime::stepBefore(TimePoint limit) {
  Participant* next = nullptr;
  TimePoint at = limit;
  for (Participant* participant : participants_) {
    const TimePoint wants = std::max(participant->nextEvent(), now_);
    if (wants > at || (wants == at && (next == nullptr || participant->order() >= next->order()))) continue;
    at = wants;
    next = participant;
  }
  if (next == nullptr) return false;
  advanceTo(at);
  next->lastRun_ = ++runs_;
  lastRan_ = next;
  next->runDue();
  return true;
}

void VirtualTime::advanceTo(TimePoint to) {
  PP_ASSERT(to >= now_);
  now_ = to;
}

void VirtualTime::runUntil(TimePoint until) {
  while (stepBefore(until + Duration(1))) {
  }
  advanceTo(until);
}

}  // namespace peerpulse::test
