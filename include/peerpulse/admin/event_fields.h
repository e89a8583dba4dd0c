// An event in the words of /events, for others who tell it: the log's lines have the same names and the same nesting, so that one
// query reads both.
//
// Threading: the admin's thread.
#pragma once

#include <string>

#include "peerpulse/admin/event_log.h"
#include "peerpulse/stats/stats.h"

namespace peerpulse::admin {

/// The SSE event's name: "transition", "degrading", "probe", "link_up", "link_lost", "local_health", "guard".
const char* eventName(const Event& event);
/// Its members as JSON text, each with a comma before it, without `event` and `sequence`: `,"at":"...","peer":"node3",...`
std::string eventFields(const stats::Stats& stats, const Event& event);

}  // namespace peerpulse::admin
