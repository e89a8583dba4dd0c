#include "event_json.h"

#include <cmath>
#include <cstring>

#include "peerpulse/admin/event_fields.h"

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
      {"process_silence_ms", e.processSilence ? Json(millis(*e.processSilence)) : Json(nullptr)},
      {"last_ack_ms", millis(e.lastAckReceived)},
      {"unacked", e.unacked},
      {"pings_outstanding", e.pingsOutstanding},
      {"confirm_connects", e.confirmConnects},
      {"consecutive_failures", e.consecutiveFailures},
      {"rtt_us", std::chrono::duration_cast<microseconds>(e.rtt).count()},
      {"error", errorName(e.error)},
  };
}

const char* nameOf(const health::Transition&) { return "transition"; }
const char* nameOf(const health::Degrading&) { return "degrading"; }
const char* nameOf(const health::RungChange&) { return "probe"; }
const char* nameOf(const health::LinkChange& change) {
  return change.to == health::LinkState::kUp ? "link_up" : "link_lost";
}
const char* nameOf(const LocalChange&) { return "local_health"; }
const char* nameOf(const guard::GuardChange&) { return "guard"; }

int64_t nanosOf(TimePoint at) { return std::chrono::duration_cast<nanoseconds>(at.time_since_epoch()).count(); }

/// To three decimals: the admin is read by people.
double share(double value) { return std::round(value * 1000) / 1000; }

Json readingJson(const health::ScoreReading& r) {
  return {
      {"score", share(r.value())},
      {"rtt_us", std::chrono::duration_cast<microseconds>(r.rtt).count()},
      {"baseline_us", std::chrono::duration_cast<microseconds>(r.baseline).count()},
      {"loss", share(r.loss)},
      {"unanswered", share(r.unanswered)},
      {"failures", share(r.failures)},
  };
}

void describe(Json& json, const stats::Stats& stats, const Event&, const health::Degrading& d) {
  json.update({
      {"peer", stats.name(d.peer)},
      {"score_from", share(d.decline.from.value())},
      {"score", share(d.decline.to.value())},
      {"over_ms", millis(d.decline.over)},
      {"factor", health::toString(d.decline.factor)},
      {"monotonic_ns", nanosOf(d.at)},
      {"evidence", {{"from", readingJson(d.decline.from)}, {"to", readingJson(d.decline.to)}}},
  });
}

Json rungsJson(const health::Rungs& rungs) {
  return {{"mode", health::toString(rungs.mode)},
          {"host", health::toString(rungs.host)},
          {"process", health::toString(rungs.process)}};
}

void describe(Json& json, const stats::Stats& stats, const Event&, const health::RungChange& change) {
  json.update({
      {"peer", stats.name(change.peer)},
      {"probe_from", rungsJson(change.from)},
      {"probe", rungsJson(change.to)},
      {"monotonic_ns", nanosOf(change.at)},
  });
}

void describe(Json& json, const stats::Stats& stats, const Event&, const health::LinkChange& change) {
  json.update({
      {"peer", stats.name(change.peer)},
      {"from", health::toString(change.from)},
      {"to", health::toString(change.to)},
      {"monotonic_ns", nanosOf(change.at)},
  });
  if (change.to == health::LinkState::kUp) return;
  json["why"] = health::linkTrouble(change.why);
  json["details"] = change.to == health::LinkState::kFallback
                        ? "traffic goes to the peer's own address, without the link, until that is back"
                        : "nothing goes by another way";
}

void describe(Json& json, const stats::Stats&, const Event&, const LocalChange& change) {
  json.update({
      {"local_health_from", health::toString(change.from)},
      {"local_health", health::toString(change.to)},
      {"monotonic_ns", nanosOf(change.at)},
      {"evidence",
       {{"peers", change.evidence.peers},
        {"silent", change.evidence.silent},
        {"dead", change.evidence.dead},
        {"link_down", change.evidence.linkDown},
        {"lag_ms", millis(change.evidence.lag)}}},
  });
}

void describe(Json& json, const stats::Stats& stats, const Event&, const guard::GuardChange& change) {
  json.update({
      {"peer", stats.name(change.peer)},
      {"from", guard::toString(change.from.state)},
      {"to", guard::toString(change.to.state)},
      {"monotonic_ns", nanosOf(change.at)},
  });
  if (change.to.state == guard::State::kWithheld) json["reason"] = guard::toString(change.to.why);
  if (change.to.state != guard::State::kRefused) return;
  json["sockets"] = {{"destroyed", change.sockets.destroyed},
                     {"spared", change.sockets.spared},
                     {"failed", change.sockets.failed},
                     {"error", errorName(change.sockets.error)}};
  json["took_ms"] = millis(change.took);
}

void describe(Json& json, const stats::Stats& stats, const Event& event, const health::Transition& t) {
  json.update(transitionJson(stats, t));
  json["folded"] = event.folded;
}

}  // namespace

Json transitionJson(const stats::Stats& stats, const health::Transition& t) {
  Json json = {
      {"peer", stats.name(t.peer)},
      {"from", health::toString(t.from.verdict)},
      {"to", health::toString(t.to.verdict)},
      {"circuit_from", health::toString(t.from.circuit)},
      {"circuit", health::toString(t.to.circuit)},
      {"reason", health::toString(t.to.reason)},
      {"overridden", t.to.overridden},
      {"generation", t.to.generation},
      {"monotonic_ns", nanosOf(t.at)},
  };
  const bool known = t.lastEvidence != TimePoint();
  if (known && t.to.verdict == health::Verdict::kDead) json["detection_ms"] = millis(t.at - t.lastEvidence);
  json["evidence"] = known ? evidenceJson(t.evidence) : Json(nullptr);
  return json;
}

Json eventJson(const stats::Stats& stats, const Event& event) {
  return std::visit(
      [&](const auto& what) {
        Json json = {{"at", formatRfc3339(event.at)}, {"sequence", event.sequence}, {"event", nameOf(what)}};
        describe(json, stats, event, what);
        return json;
      },
      event.what);
}

const char* eventName(const Event& event) {
  return std::visit([](const auto& what) { return nameOf(what); }, event.what);
}

std::string eventFields(const stats::Stats& stats, const Event& event) {
  Json json = eventJson(stats, event);
  json.erase("event");
  json.erase("sequence");
  const std::string text = toText(json);
  return "," + text.substr(1, text.size() - 2);
}

std::string eventStreamText(const stats::Stats& stats, const Event& event) {
  return "id: " + std::to_string(event.sequence) + "\nevent: " + eventName(event) +
         "\ndata: " + toText(eventJson(stats, event)) + "\n\n";
}

}  // namespace peerpulse::admin
