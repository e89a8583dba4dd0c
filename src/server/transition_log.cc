#include "transition_log.h"

#include "peerpulse/log/log.h"

namespace peerpulse::server {

void logTransition(const std::string& peer, const health::Transition& transition, WallTime at, uint32_t folded) {
  const health::Evidence& evidence = transition.evidence;
  const bool opened =
      transition.to.circuit == health::CircuitState::kOpen && transition.from.circuit != health::CircuitState::kOpen;
  log::Fields fields;
  fields.add("at", formatRfc3339(at))
      .add("peer", peer)
      .add("from", health::toString(transition.from.verdict))
      .add("to", health::toString(transition.to.verdict))
      .add("circuit", health::toString(transition.to.circuit))
      .add("reason", health::toString(transition.to.reason))
      .add("overridden", transition.to.overridden)
      .add("silence_ms", toMillis(evidence.silence))
      .add("last_ack_ms", toMillis(evidence.lastAckReceived))
      .add("unacked", evidence.unacked)
      .add("pings_outstanding", evidence.pingsOutstanding)
      .add("confirm_connects", evidence.confirmConnects)
      .add("consecutive_failures", evidence.consecutiveFailures)
      .add("rtt_ms", toMillis(evidence.rtt));
  if (evidence.processSilence) fields.add("process_silence_ms", toMillis(*evidence.processSilence));
  if (folded > 0) fields.add("folded", folded);
  if (evidence.error != 0) fields.add("error", systemError("connect", evidence.error).message);
  log::write(opened ? log::Level::kWarn : log::Level::kInfo, "transition", fields);
}

void logDegrading(const std::string& peer, const health::Degrading& warning, WallTime at) {
  const health::ScoreReading& from = warning.decline.from;
  const health::ScoreReading& to = warning.decline.to;
  log::write(log::Level::kWarn, "degrading",
             log::Fields()
                 .add("at", formatRfc3339(at))
                 .add("peer", peer)
                 .add("score_from", from.value())
                 .add("score", to.value())
                 .add("over_ms", toMillis(warning.decline.over))
                 .add("factor", health::toString(warning.decline.factor))
                 .add("rtt_from_ms", toMillis(from.rtt))
                 .add("rtt_ms", toMillis(to.rtt))
                 .add("rtt_baseline_ms", toMillis(to.baseline))
                 .add("loss", to.loss)
                 .add("unanswered", to.unanswered)
                 .add("failures", to.failures));
}

void logRungs(const std::string& peer, const health::RungChange& change, WallTime at) {
  log::write(log::Level::kInfo, "probe",
             log::Fields()
                 .add("at", formatRfc3339(at))
                 .add("peer", peer)
                 .add("mode_from", health::toString(change.from.mode))
                 .add("mode", health::toString(change.to.mode))
                 .add("host_from", health::toString(change.from.host))
                 .add("host", health::toString(change.to.host))
                 .add("process_from", health::toString(change.from.process))
                 .add("process", health::toString(change.to.process)));
}

void logLocalHealth(health::LocalState from, health::LocalState to, WallTime at) {
  log::write(
      health::isGrave(to) ? log::Level::kWarn : log::Level::kInfo, "local_health",
      log::Fields().add("at", formatRfc3339(at)).add("from", health::toString(from)).add("to", health::toString(to)));
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
