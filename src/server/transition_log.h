// One log line per transition, warning, and change of this host's own state, with the evidence it rests on.
// They are written a little after what they tell: the line's `at` is when it happened, its `ts` when it was written.
#pragma once

#include <string>

#include "listener_gates.h"
#include "peerpulse/admin/event_log.h"
#include "peerpulse/base/address.h"
#include "peerpulse/base/time.h"
#include "peerpulse/stats/stats.h"

namespace peerpulse::server {

/// In the words of /events.
void logEvent(const stats::Stats& stats, const admin::Event& event);
void logGateFailure(const std::string& peer, const SocketAddress& listen, const GateFailure& failure, WallTime at);
/// `count` reports found the queue full since the last such line.
void logReportsDropped(uint64_t count);

}  // namespace peerpulse::server
