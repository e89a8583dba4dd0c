// PoolPolicy: what a pool may do with its connections under a peer's circuit word (design section 3's table). Pure.
#pragma once

#include "peerpulse/health/circuit_table.h"

namespace peerpulse::upstream {

struct PoolPolicy {
  /// Somebody may wait for a connection.
  bool wait = true;
  /// Connections that carried requests before may carry another one.
  bool reuse = true;
  bool connect = true;
};

/// `proberStalled`: the word is stale, and nothing is concluded from it.
inline PoolPolicy poolPolicy(const health::CircuitWord& word, bool proberStalled) {
  if (word.circuit == health::CircuitState::kOpen && (word.overridden || !proberStalled))
    return {false, false, false};
  if (proberStalled || word.overridden) return {};
  switch (word.verdict) {
    // The old connections may be dead; a new one tells.
    case health::Verdict::kSuspect: return {true, false, true};
    // A process that answers nothing will not accept either.
    case health::Verdict::kStalled: return {true, true, false};
    default: return {};
  }
}

}  // namespace peerpulse::upstream
