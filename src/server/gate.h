// Gate: whether a peer's listener takes connections. A pure function; ListenerGates carries it out.
//
//   | draining | on_dead | circuit           | prober stalled, no operator's word | gate     |
//   |----------|---------|-------------------|------------------------------------|----------|
//   | yes      | any     | any               | any                                | refusing |
//   | no       | respond | any               | any                                | open     |
//   | no       | refuse  | closed, half-open | any                                | open     |
//   | no       | refuse  | open              | yes: fail open                     | open     |
//   | no       | refuse  | open              | no                                 | refusing |
//
// An operator's word stands whatever the prober does.
#pragma once

#include "peerpulse/health/circuit_table.h"
#include "peerpulse/proxy/options.h"

namespace peerpulse::server {

enum class Gate : uint8_t { kOpen, kRefusing };
/// "open", "refusing".
const char* toString(Gate gate);

Gate gateFor(const health::CircuitWord& word, bool proberStalled, bool draining, proxy::OnDead onDead);

}  // namespace peerpulse::server
