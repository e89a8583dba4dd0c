#include "families.h"
#include "family.h"

namespace peerpulse::stats {

namespace {

void appendStates(const Stats& stats, const RegistrySources& sources, Families& out) {
  auto verdict = Family::gauge("peerpulse_peer_verdict", "1 for the peer's verdict, 0 for the others.");
  auto circuit = Family::gauge("peerpulse_circuit_state", "1 for the circuit's state (closed: traffic flows).");
  stats.forEachPeer([&](PeerId id, const std::string& name) {
    const PeerState state = sources.peerState(id);
    for (const auto& v : sources.verdicts)
      verdict.add({{"peer", name}, {"verdict", v}}, v == state.verdict);
    for (const auto& c : sources.circuits)
      circuit.add({{"peer", name}, {"state", c}}, c == state.circuit);
  });
  out.push_back(verdict.take());
  out.push_back(circuit.take());
}

void appendTransitions(const Stats& stats, Families& out) {
  auto transitions = Family::counter("peerpulse_transitions_total", "Changes of verdict or circuit.");
  auto stages =
      Family::counter("peerpulse_detection_stages_total", "Detector stages: suspected, then cleared or found dead.");
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    stages.add({{"peer", name}, {"stage", "suspect"}}, peer.probe.suspects.get());
    stages.add({{"peer", name}, {"stage", "cleared"}}, peer.probe.cleared.get());
    stages.add({{"peer", name}, {"stage", "dead"}}, peer.probe.deads.get());
  });
  stats.forEachPeer([&](PeerId id, const std::string& name) {
    for (const auto& [key, count] : stats.transitions(id))
      transitions.add({{"peer", name}, {"to", key.first}, {"reason", key.second}}, count);
    // So that a peer's sum is right even if its kinds are not.
    if (const uint64_t count = stats.peer(id).probe.transitionsUnreported.get(); count > 0) {
      transitions.add({{"peer", name}, {"to", "unreported"}, {"reason", "unreported"}}, count);
    }
  });
  out.push_back(transitions.take());
  out.push_back(stages.take());
}

void appendScores(const Stats& stats, const RegistrySources& sources, Families& out) {
  auto score = Family::gauge("peerpulse_peer_score", "How well the peer is: 0 dead, 1 as well as ever.");
  auto degrading = Family::counter("peerpulse_degrading_total", "Warnings that the peer's score falls steadily.");
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    score.addFraction({{"peer", name}}, static_cast<double>(peer.probe.scoreMillis.get()) / 1000);
    degrading.add({{"peer", name}}, peer.probe.degradings.get());
  });
  out.push_back(score.take());
  out.push_back(degrading.take());
  if (!sources.localHealth) return;
  auto local = Family::gauge("peerpulse_local_health", "1 for the state of this host itself, 0 for the others.");
  const std::string current = sources.localHealth();
  for (const auto& state : sources.localStates)
    local.add({{"state", state}}, state == current);
  out.push_back(local.take());
}

}  // namespace

void appendHealthFamilies(const Stats& stats, const RegistrySources& sources, Families& out) {
  appendStates(stats, sources, out);
  appendScores(stats, sources, out);
  appendTransitions(stats, out);
  auto rtt = Family::histogram("peerpulse_probe_rtt_seconds", "Round trip of probe PINGs and ICMP echoes.");
  auto sent =
      Family::counter("peerpulse_probes_sent_total", "Probes sent: PINGs, ICMP echoes, TCP connects, requests.");
  auto acked = Family::counter("peerpulse_probes_acked_total", "Probes answered.");
  auto lost = Family::counter("peerpulse_probes_lost_total", "Probes given up before they were answered.");
  auto goaways = Family::counter("peerpulse_probe_goaways_total", "GOAWAYs received on probe connections.");
  auto policed = Family::counter("peerpulse_probe_too_many_pings_total",
                                 "GOAWAYs with ENHANCE_YOUR_CALM: the peer polices PINGs.");
  auto connects = Family::counter("peerpulse_probe_connects_total",
                                  "Connection attempts of the prober, confirm and recovery included.");
  auto unasked = Family::counter("peerpulse_probe_unasked_total",
                                 "Of these, those that could not leave this host: no descriptor, port or memory.");
  auto dropped = Family::counter("peerpulse_outcomes_dropped_total", "Request outcomes lost to a full inbox.");
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    const Labels labels = {{"peer", name}};
    rtt.add(labels, peer.probe.rtt.snapshot());
    peer.probe.forEachKind([&](const char* kind, const ProbeCounts& counts) {
      const Labels ofKind = {{"peer", name}, {"kind", kind}};
      sent.add(ofKind, counts.sent.get());
      acked.add(ofKind, counts.acked.get());
      lost.add(ofKind, counts.lost.get());
    });
    goaways.add(labels, peer.probe.goaways.get());
    policed.add(labels, peer.probe.tooManyPings.get());
    connects.add(labels, peer.probe.connects.get());
    unasked.add(labels, peer.probe.unasked.get());
    dropped.add(labels, peer.probe.outcomesDropped.get());
  });
  for (Family* family : {&rtt, &sent, &acked, &lost, &goaways, &policed, &connects, &unasked, &dropped}) {
    out.push_back(family->take());
  }
}

}  // namespace peerpulse::stats
