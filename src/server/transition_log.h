// One log line per transition, warning, and change of this host's own state, with the evidence it rests on.
#pragma once

#include <string>

#include "listener_gates.h"
#include "peerpulse/base/address.h"
#include "peerpulse/health/local_health.h"
#include "peerpulse/health/transition.h"
#include "peerpulse/health/trend.h"

namespace peerpulse::server {

void logTransition(const std::string& peer, const health::Transition& transition);
void logDegrading(const std::string& peer, const health::Degrading& warning);
void logLocalHealth(health::LocalState from, health::LocalState to);
void logGateFailure(const std::string& peer, const SocketAddress& listen, const GateFailure& failure);

}  // namespace peerpulse::server
