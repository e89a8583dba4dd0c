#include "event_json.h"

#include <cmath>
#include <cstring>

namespace peerpulse::admin {

namespace {

/// Milliseconds to the microsecond.
double millis(Duration d) { return std::round(toMillis(d) * 1000) / 1000; }

Json errorName(int error) {
  if (error == 0) return nullptr;
  const char* name = ::strerrorname_np(error);
  return name != nullptr ? Json(name) : Json(error);
}

Json evidenceJson(const health::Evidence& e) {
  return {
      {"silence_ms", millis(e.silence)},
      {"last_ack_ms", millis(e.lastAckReceived)},
      {"unacked", e.unacked},
      {"pings_outstanding", e.pingsOutstanding},
      {"confirm_connects", e.confirmConnects},
      {"consecutive_failures", e.consecutiveFailures},
      {"rtt_us", std::chrono::duration_cast<microseconds>(e.rtt).count()},
      {"error", errorName(e.error)},
  };
}

}  // namespace

Json eventJson(const Sources& sources, const Event& event) {
  const health::Transition& t = event.transition;
  Json json = {
      {"at", formatRfc3339(event.at)},
      {"sequence", event.sequence},
      {"peer", (*sources.peers)[index(t.peer)].name},
      {"from", health::toString(t.from.verdict)},
      {"to", health::toString(t.to.verdict)},
      {"circuit_from", health::toString(t.from.circuit)},
      {"circuit", health::toString(t.to.circuit)},
      {"reason", health::toString(t.to.reason)},
      {"overridden", t.to.overridden},
      {"generation", t.to.generation},
      {"monotonic_ns", std::chrono::duration_cast<nanoseconds>(t.at.time_since_epoch()).count()},
  };
  if (t.to.verdict == health::Verdict::kDead) json["detection_ms"] = millis(t.at - t.lastEvidence);
  json["evidence"] = evidenceJson(t.evidence);
  return json;
}

std::string eventStreamText(const Sources& sources, const Event& event) {
  return "id: " + std::to_string(event.sequence) + "\nevent: transition\ndata: " + toText(eventJson(sources, event)) +
         "\n\n";
}

}  // namespace peerpulse::admin
