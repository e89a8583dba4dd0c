// Machine: a state that changes by named edges only. An enum with a function mayFollow(from, to) beside it
// becomes a state machine whose one transition, to(), refuses every other edge: a reader finds all of them in
// mayFollow(), and a change that nobody thought of ends in an assertion instead of a wrong answer.
//
// Threading: a value; one thread.
#pragma once

#include "peerpulse/base/assert.h"

namespace peerpulse::http {

/// For mayFollow(): `state` is one of `others`.
template <class State, class... Others>
constexpr bool oneOf(State state, Others... others) {
  return ((state == others) || ...);
}

template <class State>
class Machine {
 public:
  explicit constexpr Machine(State initial) : state_(initial) {}

  constexpr State now() const { return state_; }
  template <class... States>
  constexpr bool is(States... any) const {
    return oneOf(state_, any...);
  }
  void to(State next) {
    PP_ASSERT(mayFollow(state_, next));
    state_ = next;
  }

 private:
  State state_;
};

}  // namespace peerpulse::http
