// One log line per transition, warning, and change of this host's own state, with the evidence it rests on.
#pragma once

#include <string>

#include "peerpulse/health/local_health.h"
#include "peerpulse/health/transition.h"
#include "peerpulse/health/trend.h"

namespace peerpulse::server {

void logTransition(const std::string& peer, const health::Transition& transition);
void logDegrading(const std::string& peer, const health::Degrading& warning);
void logLocalHealth(health::LocalState from, health::LocalState to);

}  // namespace peerpulse::server
