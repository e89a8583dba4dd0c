#include "guard_log.h"

#include "peerpulse/log/log.h"

namespace peerpulse::server {

void logGuardReady(const std::string& table, uint32_t mark) {
  log::write(log::Level::kInfo, "guard_ready", log::Fields().add("table", table).add("mark", mark));
}

void logGuardUnavailable(const std::string& missing) {
  log::write(log::Level::kWarn, "guard_unavailable",
             log::Fields()
                 .add("missing", missing)
                 .add("details",
                      "sockets to dead peers that do not pass this proxy are left to hang; "
                      "guard.mode \"proxy\" says that this is meant"));
}

void logGuardTableMissing(const std::string& missing) {
  log::write(
      log::Level::kWarn, "guard_table_missing",
      log::Fields()
          .add("missing", missing)
          .add("details",
               "sockets to dead peers are destroyed, but new connects to them are not refused: they end within "
               "half a second"));
}

void logGuardTable(const std::string& table) {
  log::write(log::Level::kWarn, "guard_table_repaired", log::Fields().add("table", table));
}

void logGuardTableFailed(const std::string& error) {
  log::write(log::Level::kError, "guard_table_failed", log::Fields().add("error", error));
}

}  // namespace peerpulse::server
