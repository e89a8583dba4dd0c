// Plan: what becomes of a new connect of this host to a peer's own address. Pure.
//
//   direct      it goes to the peer, as if there were no peerpulse: where we would hang, or are about to go
//   redirected  it comes to our listener
//   refused     this host's kernel answers it with RST, as a peer's own listener would that is shut (design section 4)
//
//   | draining | a worker's loop hangs | on_dead | circuit           | prober stalled, no operator's word | way        |
//   |----------|-----------------------|---------|-------------------|------------------------------------|------------|
//   | yes      | any                   | any     | any               | any                                | direct     |
//   | no       | yes                   | any     | any               | any                                | direct     |
//   | no       | no                    | refuse  | open              | no                                 | refused    |
//   | no       | no                    | respond, or not open        | no                                 | redirected |
//   | no       | no                    | any     | any               | yes: we know nothing               | direct     |
//
// Threading: none. No clock.
#pragma once

#include <cstdint>

#include "peerpulse/health/circuit_table.h"

namespace peerpulse::transparent {

enum class Way : uint8_t { kDirect, kRedirected, kRefused };
/// "direct", "redirected", "refused".
const char* toString(Way way);

/// What is known of this process.
struct OwnState {
  bool draining = false;
  bool workersBeat = true;  ///< each worker's loop turns
  bool proberStalled = false;
};

/// `refuses`: on_dead of the peer.
Way wayOf(const health::CircuitWord& word, bool refuses, const OwnState& own);

}  // namespace peerpulse::transparent
