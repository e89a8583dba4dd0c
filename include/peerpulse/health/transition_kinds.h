// What a transition is counted as, and all that it can be: a counter that is there from the start shows its first increase.
//
// Threading: pure.
#pragma once

#include <array>

#include "peerpulse/health/circuit_table.h"

namespace peerpulse::health {

struct TransitionKind {
  const char* to;  ///< a verdict, or a circuit's state if the verdict is as it was
  Reason reason;
};

inline TransitionKind kindOf(const CircuitWord& from, const CircuitWord& to) {
  return {from.verdict != to.verdict ? toString(to.verdict) : toString(to.circuit), to.reason};
}

/// Every kind that Circuit can make of whatever verdicts, outcomes and orders come.
inline constexpr std::array<TransitionKind, 32> kTransitionKinds = {{
    {"alive", Reason::kProbeAck},
    {"alive", Reason::kFlapping},
    {"alive", Reason::kRequestFailures},
    {"alive", Reason::kOperator},
    {"suspect", Reason::kProbeSilence},
    {"suspect", Reason::kConnectRefused},
    {"suspect", Reason::kProcessStalled},
    {"suspect", Reason::kFlapping},
    {"suspect", Reason::kRequestFailures},
    {"suspect", Reason::kOperator},
    {"dead", Reason::kProbeSilence},
    {"dead", Reason::kOperator},
    {"refusing", Reason::kConnectRefused},
    {"refusing", Reason::kOperator},
    {"stalled", Reason::kProbeSilence},
    {"stalled", Reason::kConnectRefused},
    {"stalled", Reason::kProcessStalled},
    {"stalled", Reason::kFlapping},
    {"stalled", Reason::kRequestFailures},
    {"stalled", Reason::kOperator},
    {"open", Reason::kProbeSilence},
    {"open", Reason::kConnectRefused},
    {"open", Reason::kProcessStalled},
    {"open", Reason::kFlapping},
    {"open", Reason::kRequestFailures},
    {"open", Reason::kOperator},
    {"half_open", Reason::kRequestFailures},
    {"closed", Reason::kProbeAck},
    {"closed", Reason::kProbeSilence},
    {"closed", Reason::kProcessStalled},
    {"closed", Reason::kStartup},
    {"closed", Reason::kOperator},
}};

}  // namespace peerpulse::health
