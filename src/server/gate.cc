#include "gate.h"

namespace peerpulse::server {

const char* toString(Gate gate) { return gate == Gate::kOpen ? "open" : "refusing"; }

Gate gateFor(const health::CircuitWord& word, bool proberStalled, bool draining, proxy::OnDead onDead) {
  if (draining) return Gate::kRefusing;
  if (onDead == proxy::OnDead::kRespond || word.circuit != health::CircuitState::kOpen) return Gate::kOpen;
  return proberStalled && !word.overridden ? Gate::kOpen : Gate::kRefusing;
}

}  // namespace peerpulse::server
