// One log line per transition, warning, and change of this host's own state, with the evidence it rests on.
// They are written a little after what they tell: the line's `at` is when it happened, its `ts` when it was written.
#pragma once

#include <string>

#include "listener_gates.h"
#include "peerpulse/base/address.h"
#include "peerpulse/base/time.h"
#include "peerpulse/health/local_health.h"
#include "peerpulse/health/rung_change.h"
#include "peerpulse/health/transition.h"
#include "peerpulse/health/trend.h"

namespace peerpulse::server {

/// `folded`: changes before this one that the line stands for, too.
void logTransition(const std::string& peer, const health::Transition& transition, WallTime at, uint32_t folded);
void logRungs(const std::string& peer, const health::RungChange& change, WallTime at);
void logDegrading(const std::string& peer, const health::Degrading& warning, WallTime at);
void logLocalHealth(health::LocalState from, health::LocalState to, WallTime at);
void logGateFailure(const std::string& peer, const SocketAddress& listen, const GateFailure& failure, WallTime at);
/// `count` reports found the queue full since the last such line.
void logReportsDropped(uint64_t count);

}  // namespace peerpulse::server
