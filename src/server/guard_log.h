// The guard's log lines. As transition_log.h: `at` is when it happened.
#pragma once

#include <string>

#include "peerpulse/base/time.h"
#include "peerpulse/guard/guard.h"

namespace peerpulse::server {

void logGuardReady(const std::string& table, uint32_t mark);
/// Nobody is guarded; everything else works.
void logGuardUnavailable(const std::string& missing);
/// Nobody is refused; sockets are destroyed all the same.
void logGuardTableMissing(const std::string& missing);
void logGuardChange(const std::string& peer, const guard::GuardChange& change, WallTime at);
/// Somebody else had changed the table.
void logGuardTable(const std::string& table);
void logGuardTableFailed(const std::string& error);

}  // namespace peerpulse::server
