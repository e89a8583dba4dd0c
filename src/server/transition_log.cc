#include "transition_log.h"

#include "peerpulse/admin/event_fields.h"
#include "peerpulse/log/log.h"

namespace peerpulse::server {

namespace {

using health::CircuitState;
using log::Level;

// An outage ends at the level at which it began: who is told of the one is told of the other.
Level levelOf(const health::Transition& transition) {
  const CircuitState from = transition.from.circuit;
  const CircuitState to = transition.to.circuit;
  const bool began = to == CircuitState::kOpen && from != CircuitState::kOpen;
  const bool over = to == CircuitState::kClosed && from != CircuitState::kClosed;
  return began || over ? Level::kWarn : Level::kInfo;
}
Level levelOf(const health::Degrading&) { return Level::kWarn; }
Level levelOf(const health::RungChange&) { return Level::kInfo; }
Level levelOf(const health::LinkChange&) { return Level::kWarn; }
// A busy machine lags and recovers twice a second.
Level levelOf(const admin::LocalChange& change) {
  return health::isGrave(change.from) || health::isGrave(change.to) ? Level::kWarn : Level::kDebug;
}
Level levelOf(const guard::GuardChange&) { return Level::kWarn; }

}  // namespace

void logEvent(const stats::Stats& stats, const admin::Event& event) {
  const Level level = std::visit([](const auto& what) { return levelOf(what); }, event.what);
  if (!log::enabled(level)) return;
  log::write(level, admin::eventName(event), log::Fields().addMembers(admin::eventFields(stats, event)));
}

void logGateFailure(const std::string& peer, const SocketAddress& listen, const GateFailure& failure, WallTime at) {
  log::write(log::Level::kError, "listener_gate_failed",
             log::Fields()
                 .add("at", formatRfc3339(at))
                 .add("peer", peer)
                 .add("listen", listen.toString())
                 .add("wanted", toString(failure.wanted))
                 .add("error", systemError("listen socket", failure.error).message));
}

void logReportsDropped(uint64_t count) {
  log::write(log::Level::kError, "reports_dropped", log::Fields().add("count", count));
}

}  // namespace peerpulse::server
