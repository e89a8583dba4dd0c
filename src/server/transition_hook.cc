#include "transition_hook.h"

#include <utility>

namespace peerpulse::server {

void TransitionHook::onTransition(health::Transition transition, WallTime at) {
  if (transition.to.verdict == health::Verdict::kSuspect) return;
  if (slot(transition.peer) >= told_.size()) told_.resize(slot(transition.peer) + 1);
  Told& told = told_[slot(transition.peer)];
  if (told.peer != transition.peer) told = Told{transition.peer, {}};  // the slot has another peer now
  transition.from = std::exchange(told.word, transition.to);
  const bool news = transition.from.verdict != transition.to.verdict ||
                    transition.from.circuit != transition.to.circuit ||
                    transition.from.overridden != transition.to.overridden;
  if (news) tell_(transition, at);
}

}  // namespace peerpulse::server
