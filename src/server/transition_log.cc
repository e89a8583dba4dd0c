#include "transition_log.h"

#include "peerpulse/log/log.h"

namespace peerpulse::server {

void logTransition(const std::string& peer, const health::Transition& transition) {
  const health::Evidence& evidence = transition.evidence;
  const bool opened =
      transition.to.circuit == health::CircuitState::kOpen && transition.from.circuit != health::CircuitState::kOpen;
  log::Fields fields;
  fields.add("peer", peer)
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
  if (evidence.error != 0) fields.add("error", systemError("connect", evidence.error).message);
  log::write(opened ? log::Level::kWarn : log::Level::kInfo, "transition", fields);
}

}  // namespace peerpulse::server
