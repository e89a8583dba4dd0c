#include "families.h"

namespace peerpulse::stats {

namespace {

void appendStates(const Stats& stats, const RegistrySources& sources, Families& out) {
  auto verdict = Family::gauge("peerpulse_peer_verdict", "1 for the peer's verdict, 0 for the others.");
  auto circuit = Family::gauge("peerpulse_circuit_state", "1 for the circuit's state (closed: traffic flows).");
  auto overridden = Family::gauge("peerpulse_circuit_override", "1 while an operator holds the circuit as it is.");
  stats.forEachPeer([&](PeerId id, const std::string& name) {
    const PeerState state = sources.peerState(id);
    overridden.add({{"peer", name}}, state.overridden ? 1 : 0);
    for (const auto& v : sources.verdicts)
      verdict.add({{"peer", name}, {"verdict", v}}, v == state.verdict);
    for (const auto& c : sources.circuits)
      circuit.add({{"peer", name}, {"state", c}}, c == state.circuit);
  });
  out.add({&verdict, &circuit, &overridden});
}

void appendTransitions(const Stats& stats, const RegistrySources& sources, Families& out) {
  auto transitions = Family::counter("peerpulse_transitions_total", "Changes of verdict or circuit.");
  auto stages =
      Family::counter("peerpulse_detection_stages_total", "Detector stages: suspected, then cleared or found dead.");
  out.detail(transitions, {"reason"});
  out.detail(stages, {"peer"});
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    stages.add({{"peer", name}, {"stage", "suspect"}}, peer.probe.suspects.get());
    stages.add({{"peer", name}, {"stage", "cleared"}}, peer.probe.cleared.get());
    stages.add({{"peer", name}, {"stage", "dead"}}, peer.probe.deads.get());
  });
  stats.forEachPeer([&](PeerId id, const std::string& name) {
    const auto add = [&](const Stats::TransitionCounts::key_type& kind, uint64_t count) {
      // An opened circuit is told by what follows, too.
      if (out.essential() && (kind.first == "closed" || kind.first == "half_open")) return;
      transitions.add({{"peer", name}, {"to", kind.first}, {"reason", kind.second}}, count);
    };
    const Stats::TransitionCounts counts = stats.transitions(id);
    for (const auto& [kind, count] : counts)
      add(kind, count);
    // From the start, or the first of each kind would be no increase.
    for (const auto& kind : sources.transitionKinds) {
      if (counts.find(kind) == counts.end()) add(kind, 0);
    }
    // So that a peer's sum is right even if its kinds are not.
    if (const uint64_t count = stats.peer(id).probe.transitionsUnreported.get(); count > 0) {
      transitions.add({{"peer", name}, {"to", "unreported"}, {"reason", "unreported"}}, count);
    }
  });
  out.add(transitions);
  out.add(stages);
}

void appendScores(const Stats& stats, const RegistrySources& sources, Families& out) {
  auto score = Family::gauge("peerpulse_peer_score", "How well the peer is: 0 dead, 1 as well as ever.");
  auto degrading = Family::counter("peerpulse_degrading_total", "Warnings that the peer's score falls steadily.");
  out.detail(degrading, {"peer"});
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    score.addFraction({{"peer", name}}, static_cast<double>(peer.probe.scoreMillis.get()) / 1000);
    degrading.add({{"peer", name}}, peer.probe.degradings.get());
  });
  out.add(score);
  out.add(degrading);
  if (!sources.localHealth) return;
  auto local = Family::gauge("peerpulse_local_health", "1 for the state of this host itself, 0 for the others.");
  const std::string current = sources.localHealth();
  for (const auto& state : sources.localStates)
    local.add({{"state", state}}, state == current);
  out.add(local);
}

}  // namespace

void appendHealthFamilies(const Stats& stats, const RegistrySources& sources, Families& out) {
  appendStates(stats, sources, out);
  appendScores(stats, sources, out);
  appendTransitions(stats, sources, out);
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
  auto slowest = Family::gauge("peerpulse_probe_rtt_p99_seconds",
                               "99th percentile of the last 256 round trips of probes; 0: there was none yet.");
  out.histogram(rtt, {"peer"});
  for (Family* family : {&sent, &acked, &lost, &goaways, &policed, &connects, &unasked, &dropped})
    out.detail(*family, {"peer"});
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    const Labels labels = {{"peer", name}};
    rtt.add(labels, peer.probe.rtt.snapshot());
    slowest.addFraction(labels, static_cast<double>(peer.probe.rttP99Micros.get()) / 1e6);
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
  out.add({&rtt, &slowest, &sent, &acked, &lost, &goaways, &policed, &connects, &unasked, &dropped});
}

}  // namespace peerpulse::stats
