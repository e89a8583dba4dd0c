// RungChange: one peer is probed in another way than before. It becomes one log line and one event of /events.
#pragma once

#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/time.h"
#include "peerpulse/health/probe_mode.h"

namespace peerpulse::health {

struct RungChange {
  PeerId peer{};
  Rungs from;
  Rungs to;
  TimePoint at;
};

}  // namespace peerpulse::health
