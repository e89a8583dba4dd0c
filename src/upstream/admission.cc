#include "admission.h"

namespace peerpulse::upstream {

using health::CircuitState;
using health::Verdict;

Admission admit(const health::CircuitWord& word, bool proberStalled) {
  switch (word.circuit) {
    case CircuitState::kOpen:
      // An operator's word stands whatever the prober does.
      return proberStalled && !word.overridden ? Admission::kFailOpen : Admission::kFail;
    case CircuitState::kHalfOpen: return proberStalled ? Admission::kFailOpen : Admission::kTrial;
    case CircuitState::kClosed: break;
  }
  if (proberStalled || word.overridden) return Admission::kFlow;
  const bool undecided = word.verdict == Verdict::kUnknown || word.verdict == Verdict::kSuspect;
  return undecided ? Admission::kHold : Admission::kFlow;
}

Failure refusalFor(const health::CircuitWord& word) {
  Failure failure;
  failure.type =
      word.verdict == Verdict::kRefusing ? ErrorType::kConnectionRefused : ErrorType::kDestinationUnavailable;
  failure.party = Party::kSelf;
  failure.byCircuit = true;
  failure.detail = std::string("circuit ") + health::toString(word.circuit) + ": verdict " +
                   health::toString(word.verdict) + ", reason " + health::toString(word.reason);
  return failure;
}

}  // namespace peerpulse::upstream
