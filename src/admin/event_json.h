// An event as /events shows it.
#pragma once

#include <string>

#include "json_response.h"
#include "peerpulse/admin/event_log.h"
#include "peerpulse/admin/server.h"

namespace peerpulse::admin {

/// What happened, without when and how it was told.
Json transitionJson(const Sources& sources, const health::Transition& transition);
Json eventJson(const Sources& sources, const Event& event);
/// One Server-Sent Event (WHATWG HTML 9.2), its blank line included.
std::string eventStreamText(const Sources& sources, const Event& event);

}  // namespace peerpulse::admin
