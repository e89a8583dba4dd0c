// An event as /events shows it.
#pragma once

#include <string>

#include "json_response.h"
#include "peerpulse/admin/event_log.h"
#include "peerpulse/stats/stats.h"

namespace peerpulse::admin {

/// What happened, without when and how it was told.
Json transitionJson(const stats::Stats& stats, const health::Transition& transition);
Json eventJson(const stats::Stats& stats, const Event& event);
/// One Server-Sent Event (WHATWG HTML 9.2), its blank line included.
std::string eventStreamText(const stats::Stats& stats, const Event& event);

}  // namespace peerpulse::admin
