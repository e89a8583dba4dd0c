#include "guard_log.h"

#include "peerpulse/log/log.h"

namespace peerpulse::server {

namespace {

const char* eventOf(guard::State state) {
  switch (state) {
    case guard::State::kIdle: return "guard_released";
    case guard::State::kRefused: return "guard_refused";
    case guard::State::kWithheld: return "guard_withheld";
  }
  return "?";
}

}  // namespace

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

void logGuardChange(const std::string& peer, const guard::GuardChange& change, WallTime at) {
  log::Fields fields;
  fields.add("at", formatRfc3339(at)).add("peer", peer);
  if (change.to.state == guard::State::kWithheld) fields.add("reason", guard::toString(change.to.why));
  if (change.to.state == guard::State::kRefused) {
    fields.add("destroyed", change.sockets.destroyed)
        .add("spared", change.sockets.spared)
        .add("failed", change.sockets.failed)
        .add("took_ms", toMillis(change.took));
    if (change.sockets.error != 0) fields.add("error", systemError("sockets", change.sockets.error).message);
  }
  const bool calm = change.to.state == guard::State::kIdle;
  log::write(calm ? log::Level::kInfo : log::Level::kWarn, eventOf(change.to.state), fields);
}

void logGuardTable(const std::string& table) {
  log::write(log::Level::kWarn, "guard_table_repaired", log::Fields().add("table", table));
}

void logGuardTableFailed(const std::string& error) {
  log::write(log::Level::kError, "guard_table_failed", log::Fields().add("error", error));
}

}  // namespace peerpulse::server
