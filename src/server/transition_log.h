// One log line per transition, with the evidence it rests on.
#pragma once

#include <string>

#include "peerpulse/health/transition.h"

namespace peerpulse::server {

void logTransition(const std::string& peer, const health::Transition& transition);

}  // namespace peerpulse::server
