// A transition as a program outside reads it: what /events says of it, and what it needs to act without asking again.
//   {"node":"node1","event":"transition","at":"...","peer":"node3","address":"10.0.0.3:9000","zone":"dc1","from":"alive",
//    "to":"dead","circuit_from":"closed","circuit":"open","reason":"probe_silence",...,"evidence":{...}}
//   {"local_health":"ok","cluster":{"size":4,...,"status":"degraded",...}}
//
// Threading: the admin's thread.
#pragma once

#include <string>

#include "peerpulse/admin/server.h"

namespace peerpulse::admin {

// Each is one line, without its end.
std::string transitionDocument(const Sources& sources, const health::Transition& transition, WallTime at);
/// This host and the cluster as they are now.
std::string contextDocument(const Sources& sources, TimePoint now);

}  // namespace peerpulse::admin
