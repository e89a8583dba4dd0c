// OverrideBook: who overrode which peer's circuit, why and for how long: what the circuit itself does not know.
//
// Threading: the admin's thread. Memory: one entry per peer.
#pragma once

#include <string>
#include <vector>

#include "json_response.h"
#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/time.h"
#include "peerpulse/health/probe_event.h"

namespace peerpulse::admin {

class OverrideBook {
 public:
  struct Entry {
    health::CircuitOverride change;
    std::string why;
    std::string by;
    TimePoint at;
    WallTime wallAt;
  };

  void note(PeerId peer, Entry entry);
  /// The override in force; null if `overridden` says that there is none: it was released, or its time is over.
  Json json(PeerId peer, bool overridden, TimePoint now) const;

 private:
  std::vector<Entry> entries_;  // by slot
};

/// "auto", "open", "closed".
const char* toString(health::CircuitOverride::Kind kind);

}  // namespace peerpulse::admin
