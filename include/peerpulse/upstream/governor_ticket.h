// GovernorTicket: one exchange's place among those that a Governor counts, from its admission to its answer's head.
//
//   None --enter()--> Entered --owe()--> Owed --answered(), leave()--> None
//                     Entered <--again()--  (what was sent was in vain, and is sent again)
//                     Entered <--clientHolds()--> Paused  (its client owes the next byte: no place is taken)
//                     Entered, Paused --answered(), leave()--> None
//
// Threading: its worker's thread. Ownership: part of its request, which ends before the governor does.
#pragma once

#include <cstdint>

#include "peerpulse/base/time.h"

namespace peerpulse::upstream {

class Governor;

class GovernorTicket {
 public:
  enum class State : uint8_t { kNone, kEntered, kPaused, kOwed };

  GovernorTicket() = default;
  GovernorTicket(const GovernorTicket&) = delete;
  GovernorTicket& operator=(const GovernorTicket&) = delete;

  State state() const { return state_; }
  bool held() const { return state_ != State::kNone; }
  void enter(Governor& governor);
  // Without a ticket these do nothing.
  /// All of the request is sent; told again, it counts from the first time.
  void owe(TimePoint now) {
    if (state_ == State::kEntered || state_ == State::kPaused) startToOwe(now);
  }
  /// Whether its client holds it up.
  void clientHolds(bool holds) {
    if (holds ? state_ == State::kEntered : state_ == State::kPaused) turn();
  }
  void again();
  /// The answer's head is here. `tells`: it says how fast the peer is; neither refusals nor tunnels do.
  void answered(bool tells, TimePoint now);
  /// Over without an answer. `late`: because it took so long.
  void leave(bool late, TimePoint now);

 private:
  void startToOwe(TimePoint now);
  /// Between Entered and Paused.
  void turn();

  State state_ = State::kNone;
  Governor* governor_ = nullptr;  // unless None
  uint64_t number_ = 0;           // while Owed
  TimePoint owedAt_;              // while Owed
};

}  // namespace peerpulse::upstream
