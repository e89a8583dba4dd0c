// The guard's log lines but those of its events (transition_log.h).
#pragma once

#include <cstdint>
#include <string>

namespace peerpulse::server {

void logGuardReady(const std::string& table, uint32_t mark);
/// Nobody is guarded; everything else works.
void logGuardUnavailable(const std::string& missing);
/// Nobody is refused; sockets are destroyed all the same.
void logGuardTableMissing(const std::string& missing);
/// Somebody else had changed the table.
void logGuardTable(const std::string& table);
void logGuardTableFailed(const std::string& error);

}  // namespace peerpulse::server
