#include <algorithm>

#include "governor_json.h"
#include "guard_json.h"
#include "handlers.h"
#include "json_response.h"
#include "link_json.h"
#include "name_json.h"
#include "peerpulse/health/probe_mode.h"
#include "timing_json.h"
#include "tls_json.h"
#include "transparent_json.h"

namespace peerpulse::admin {

namespace {

/// Milliseconds since the later of what the workers and what the prober (nanoseconds, 0: nothing) heard; null if nothing
/// ever was.
Json millisSince(const Context& context, PeerId id, uint64_t proberNanos) {
  const TimePoint heard = std::max(context.sources.circuits->lastHeard(id), TimePoint(Duration(proberNanos)));
  if (heard == TimePoint()) return nullptr;
  return std::chrono::duration_cast<milliseconds>(std::max(context.now - heard, Duration::zero())).count();
}

Json countsJson(uint64_t sent, uint64_t acked, uint64_t lost) {
  return {{"sent", sent}, {"acked", acked}, {"lost", lost}};
}

/// `sent`, `acked` and `lost` are of all kinds together.
Json probeJson(const stats::ProbeStats& probe) {
  uint64_t sent = 0, acked = 0, lost = 0;
  Json kinds = Json::object();
  probe.forEachKind([&](const char* kind, const stats::ProbeCounts& counts) {
    sent += counts.sent.get();
    acked += counts.acked.get();
    lost += counts.lost.get();
    kinds[kind] = countsJson(counts.sent.get(), counts.acked.get(), counts.lost.get());
  });
  Json json = countsJson(sent, acked, lost);
  json.update({{"mode", health::toString(static_cast<health::ProbeMode>(probe.mode.get()))},
               {"host", health::toString(static_cast<health::HostMeans>(probe.hostMeans.get()))},
               {"process", health::toString(static_cast<health::ProcessMeans>(probe.processMeans.get()))},
               {"kinds", std::move(kinds)},
               {"goaways", probe.goaways.get()},
               {"too_many_pings", probe.tooManyPings.get()}});
  return json;
}

/// What last went wrong with it, whoever's doing it was; null if nothing has.
Json lastErrorJson(const stats::LastError& last) {
  const auto said = last.get();
  if (!said) return nullptr;
  return {
      {"at", formatRfc3339(said->at)}, {"error", said->error}, {"party", said->party}, {"details", said->details}};
}

Json peerJson(const Context& context, const proxy::PeerOptions& peer) {
  const health::CircuitWord word = context.sources.circuits->load(peer.id);
  const stats::PeerStats& s = context.sources.stats->peer(peer.id);
  const std::optional<NameView> name = context.sources.name ? context.sources.name(peer.id) : std::nullopt;
  return {
      {"name", peer.name},
      {"role", proxy::toString(peer.role)},
      {"listen", peer.listen.toString()},
      {"address", peer.address.toString()},
      {"addresses", name ? Json(name->addresses) : Json::array({peer.address.toString()})},
      {"dns", nameJson(name)},
      {"zone", peer.zone},
      {"on_dead", proxy::toString(peer.onDead)},
      {"verdict", health::toString(word.verdict)},
      {"circuit", health::toString(word.circuit)},
      {"reason", health::toString(word.reason)},
      {"overridden", word.overridden},
      {"override",
       context.overrides != nullptr ? context.overrides->json(peer.id, word.overridden, context.now) : Json()},
      {"last_error", lastErrorJson(s.lastError)},
      {"generation", word.generation},
      {"score", static_cast<double>(s.probe.scoreMillis.get()) / 1000},
      {"since", formatRfc3339(context.sources.events->since(peer.id))},
      {"rtt_us",
       {{"last", s.probe.rttLastMicros.get()},
        {"p50", s.probe.rttP50Micros.get()},
        {"p99", s.probe.rttP99Micros.get()}}},
      {"timing", timingJson(context, peer)},
      {"last_heard_ms", millisSince(context, peer.id, s.probe.lastHeardNanos.get())},
      {"process_silent_ms", millisSince(context, peer.id, s.probe.processHeardNanos.get())},
      {"probe", probeJson(s.probe)},
      {"guard", guardJson(context, peer)},
      {"transparent", transparentJson(context, peer)},
      {"governor", governorJson(context.snapshot->options.governor.mode, s.governors)},
      {"tls", tlsJson(s)},
      {"link", linkJson(peer.link, s.link)},
      {"connections",
       {{"active", s.connectionsActive.get()},
        {"idle", s.connectionsIdle.get()},
        {"connecting", s.connectionsConnecting.get()}}},
      {"in_flight", s.inFlight.get()},
      {"held", s.held.get()},
      {"requests_total", s.requestsTotal.get()},
      {"failures_total", s.failuresTotal.get()},
      {"fast_failures_total", s.fastFailuresTotal.get()},
      {"evictions_total", s.evictionsTotal.get()},
      {"timeouts_total", s.timeoutsBy[stats::kPeerParty].get()},
  };
}

}  // namespace

Response handlePeers(const Context& context, const Request&) {
  const uint64_t version = context.sources.events->version();  // before what it is the version of
  Json peers = Json::array();
  for (const proxy::PeerOptions& peer : context.peers())
    peers.push_back(peerJson(context, peer));
  return jsonResponse({{"node", context.sources.node},
                       {"version", version},
                       {"at", formatRfc3339(context.wall)},
                       {"local_health", localHealth(context)},
                       {"peers", std::move(peers)}});
}

Response handlePeer(const Context& context, const Request& request) {
  const proxy::PeerOptions* peer = peerOfPath(context, request);
  if (peer == nullptr) return errorResponse(404, "not_found", "there is no peer of that name; /peers lists them");
  return jsonResponse(peerJson(context, *peer));
}

}  // namespace peerpulse::admin
