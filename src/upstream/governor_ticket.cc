#include "peerpulse/upstream/governor_ticket.h"

#include <utility>

#include "governor.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::upstream {

void GovernorTicket::enter(Governor& governor) {
  PP_ASSERT(state_ == State::kNone);
  state_ = State::kEntered;
  governor_ = &governor;
  governor.enter();
}

void GovernorTicket::turn() {
  if (state_ == State::kEntered) {
    state_ = State::kPaused;
    governor_->pause();
  } else {
    state_ = State::kEntered;
    governor_->resume();
  }
}

void GovernorTicket::startToOwe(TimePoint now) {
  clientHolds(false);
  state_ = State::kOwed;
  number_ = governor_->owe();
  owedAt_ = now;
}

void GovernorTicket::again() {
  if (state_ != State::kOwed) return;
  state_ = State::kEntered;
  governor_->again(number_);
}

void GovernorTicket::answered(bool tells, TimePoint now) {
  if (state_ == State::kOwed && tells) {
    state_ = State::kNone;
    governor_->answered(number_, now - owedAt_, now);
  } else {
    leave(false, now);  // an answer to half a request is one to its head
  }
}

void GovernorTicket::leave(bool late, TimePoint now) {
  clientHolds(false);
  const State was = std::exchange(state_, State::kNone);
  if (was == State::kNone) return;
  const bool owed = was == State::kOwed;
  governor_->left(owed ? number_ : 0, owed && late ? now - owedAt_ : Duration::zero());
}

}  // namespace peerpulse::upstream
