#include "families.h"

namespace peerpulse::stats {

namespace {

struct PeerCounter {
  const char* name;
  const char* help;
  const Value PeerStats::*value;
  bool essential = false;  ///< told by peer whatever the detail
};

/// The same by party.
struct PeerPartyCounter {
  const char* name;
  const char* help;
  const ByParty PeerStats::*values;
};

constexpr PeerCounter kCounters[] = {
    {"peerpulse_requests_total", "Exchanges accepted.", &PeerStats::requestsTotal, true},
    {"peerpulse_failures_total", "Exchanges that the peer failed.", &PeerStats::failuresTotal, true},
    {"peerpulse_fast_failures_total", "Exchanges refused or failed by the circuit.", &PeerStats::fastFailuresTotal,
     true},
    {"peerpulse_failed_in_flight_total", "Exchanges in flight that were failed because their peer died.",
     &PeerStats::failedInFlightTotal},
    {"peerpulse_held_exchanges_total", "Exchanges that had to wait for a verdict.", &PeerStats::heldTotal},
    {"peerpulse_ramped_exchanges_total",
     "Exchanges that had to wait their turn with a peer just back from an outage.", &PeerStats::rampedTotal},
    {"peerpulse_retries_total", "Exchanges sent again.", &PeerStats::retriesTotal},
    {"peerpulse_late_connects_total",
     "Connects without an answer for so long that another one was begun beside them.", &PeerStats::lateConnectsTotal},
    {"peerpulse_forgotten_connections_total",
     "Connections closed because their path had forgotten them while the peer lived.", &PeerStats::forgottenTotal},
    {"peerpulse_fail_open_total", "Exchanges let through an open circuit because the prober had stopped.",
     &PeerStats::failOpenTotal},
    {"peerpulse_connects_not_made_total",
     "Connection attempts that failed for want of a descriptor, port, route or memory of this host.",
     &PeerStats::connectsNotMadeTotal},
    {"peerpulse_client_stalls_total",
     "Exchanges ended because their client took nothing of the answer, or sent nothing more of the request, for too "
     "long.",
     &PeerStats::clientStalls},
    {"peerpulse_client_slowdowns_total",
     "Pauses in reading a client's HTTP/2 connection because it had sent many frames without use.",
     &PeerStats::clientSlowdowns},
    {"peerpulse_accept_pauses_total", "Pauses in accepting clients for want of descriptors or memory.",
     &PeerStats::acceptPauses},
};

constexpr PeerPartyCounter kPartyCounters[] = {
    {"peerpulse_failed_exchanges_total",
     "Exchanges that failed, but for those that the circuit refused, by whose doing it was.", &PeerStats::failuresBy},
    {"peerpulse_timeouts_total", "Exchanges ended by a deadline, by who let it pass or had set it.",
     &PeerStats::timeoutsBy},
};

constexpr PeerCounter kGauges[] = {
    {"peerpulse_exchanges_in_flight", "Exchanges accepted and not finished.", &PeerStats::inFlight, true},
    {"peerpulse_downstream_connections", "Connections of local clients.", &PeerStats::downstreamConnections},
    {"peerpulse_held_exchanges", "Exchanges waiting for a verdict, or for their turn, now.", &PeerStats::held},
};

void appendByParty(const Stats& stats, const PeerPartyCounter& counter, Families& out) {
  auto family = Family::counter(counter.name, counter.help);
  out.detail(family, {"peer"});
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    for (size_t party = 0; party < kPartyNames.size(); ++party)
      family.add({{"peer", name}, {"party", kPartyNames[party]}}, (peer.*counter.values)[party].get());
  });
  out.add(family);
}

void appendTurnedAway(const Stats& stats, Families& out) {
  auto family =
      Family::counter("peerpulse_clients_turned_away_total",
                      "Clients whose connection was closed at once: max_downstream_connections, or the last "
                      "descriptors are kept for others.");
  out.detail(family, {"peer"});
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    family.add({{"peer", name}, {"reason", "limit"}}, peer.clientsOverLimit.get());
    family.add({{"peer", name}, {"reason", "descriptors"}}, peer.clientsWithoutDescriptor.get());
  });
  out.add(family);
}

void appendFloods(const Stats& stats, Families& out) {
  auto family =
      Family::counter("peerpulse_floods_total",
                      "HTTP/2 connections ended because the other side sent a flood of frames without use.");
  out.detail(family, {"peer"});
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    family.add({{"peer", name}, {"party", "client"}}, peer.clientFloods.get());
    family.add({{"peer", name}, {"party", "peer"}}, peer.peerFloods.get());
  });
  out.add(family);
}

void appendResponses(const Stats& stats, Families& out) {
  auto responses = Family::counter("peerpulse_responses_total",
                                   "Answers of the peer that were passed on, by class of their status.");
  auto own = Family::counter("peerpulse_own_responses_total",
                             "Answers that peerpulse gave itself in the peer's place, of whatever status.");
  for (Family* family : {&responses, &own})
    out.detail(*family, {"peer"});
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    for (size_t i = 0; i < kStatusClasses.size(); ++i)
      responses.add({{"peer", name}, {"status", kStatusClasses[i]}}, peer.responses[i].get());
    own.add({{"peer", name}}, peer.ownResponses.get());
  });
  out.add({&responses, &own});
}

}  // namespace

void appendTrafficFamilies(const Stats& stats, Families& out) {
  const auto append = [&](Family family, const PeerCounter& counter) {
    if (!counter.essential) out.detail(family, {"peer"});
    forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
      family.add({{"peer", name}}, (peer.*counter.value).get());
    });
    out.add(family);
  };
  for (const PeerCounter& c : kCounters)
    append(Family::counter(c.name, c.help), c);
  for (const PeerCounter& g : kGauges)
    append(Family::gauge(g.name, g.help), g);

  for (const PeerPartyCounter& c : kPartyCounters)
    appendByParty(stats, c, out);
  appendTurnedAway(stats, out);
  appendFloods(stats, out);
  appendResponses(stats, out);

  auto pool = Family::gauge("peerpulse_pool_connections", "Data connections to the peer by state.");
  auto bytes = Family::counter("peerpulse_bytes_total", "Body bytes carried.");
  auto failing =
      Family::histogram("peerpulse_fail_in_flight_seconds",
                        "From the verdict dead to the last exchange in flight failed, per worker and death.");
  out.detail(pool, {"peer"});
  out.histogram(failing, {"peer"});
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    pool.add({{"peer", name}, {"state", "active"}}, peer.connectionsActive.get());
    pool.add({{"peer", name}, {"state", "idle"}}, peer.connectionsIdle.get());
    pool.add({{"peer", name}, {"state", "connecting"}}, peer.connectionsConnecting.get());
    failing.add({{"peer", name}}, peer.failInFlight.snapshot());
    bytes.add({{"peer", name}, {"direction", "to_peer"}}, peer.bytesToPeer.get());
    bytes.add({{"peer", name}, {"direction", "from_peer"}}, peer.bytesFromPeer.get());
  });
  out.add(pool);
  out.add(bytes);
  out.add(failing);
}

}  // namespace peerpulse::stats
