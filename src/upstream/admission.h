// Admission: what a peer's circuit word means for a new request (design section 3's table). Pure.
#pragma once

#include "peerpulse/health/circuit_table.h"
#include "peerpulse/upstream/failure.h"

namespace peerpulse::upstream {

enum class Admission : uint8_t {
  kFlow,
  kHold,      ///< wait for the verdict, it is due within the confirm time
  kTrial,     ///< half-open: flow if the trial permit can be had, else fail
  kFail,      ///< the circuit is open
  kFailOpen,  ///< the circuit is open but its writer has stopped: flow, and count it
};

/// `proberStalled`: the prober has not beaten for CircuitTable::kBeatTimeout.
Admission admit(const health::CircuitWord& word, bool proberStalled);

/// What a refused request is told.
Failure refusalFor(const health::CircuitWord& word);

}  // namespace peerpulse::upstream
