#include "families.h"
#include "family.h"

namespace peerpulse::stats {

namespace {

struct PeerCounter {
  const char* name;
  const char* help;
  const Value PeerStats::*value;
};

/// The same by party.
struct PeerPartyCounter {
  const char* name;
  const char* help;
  const ByParty PeerStats::*values;
};

constexpr PeerCounter kCounters[] = {
    {"peerpulse_requests_total", "Exchanges accepted.", &PeerStats::requestsTotal},
    {"peerpulse_failures_total", "Exchanges that the peer failed.", &PeerStats::failuresTotal},
    {"peerpulse_fast_failures_total", "Exchanges refused or failed by the circuit.", &PeerStats::fastFailuresTotal},
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
    {"peerpulse_exchanges_in_flight", "Exchanges accepted and not finished.", &PeerStats::inFlight},
    {"peerpulse_held_exchanges", "Exchanges waiting for a verdict, or for their turn, now.", &PeerStats::held},
};

prometheus::MetricFamily byParty(const Stats& stats, const PeerPartyCounter& counter) {
  auto family = Family::counter(counter.name, counter.help);
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    for (size_t party = 0; party < kPartyNames.size(); ++party)
      family.add({{"peer", name}, {"party", kPartyNames[party]}}, (peer.*counter.values)[party].get());
  });
  return family.take();
}

prometheus::MetricFamily turnedAway(const Stats& stats) {
  auto family =
      Family::counter("peerpulse_clients_turned_away_total",
                      "Clients whose connection was closed at once: max_downstream_connections, or the last "
                      "descriptors are kept for others.");
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    family.add({{"peer", name}, {"reason", "limit"}}, peer.clientsOverLimit.get());
    family.add({{"peer", name}, {"reason", "descriptors"}}, peer.clientsWithoutDescriptor.get());
  });
  return family.take();
}

}  // namespace

void appendTrafficFamilies(const Stats& stats, Families& out) {
  const auto append = [&](Family family, const Value PeerStats::*value) {
    forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
      family.add({{"peer", name}}, (peer.*value).get());
    });
    out.push_back(family.take());
  };
  for (const PeerCounter& c : kCounters)
    append(Family::counter(c.name, c.help), c.value);
  for (const PeerCounter& g : kGauges)
    append(Family::gauge(g.name, g.help), g.value);

  for (const PeerPartyCounter& c : kPartyCounters)
    out.push_back(byParty(stats, c));
  out.push_back(turnedAway(stats));

  auto pool = Family::gauge("peerpulse_pool_connections", "Data connections to the peer by state.");
  auto bytes = Family::counter("peerpulse_bytes_total", "Body bytes carried.");
  auto failing =
      Family::histogram("peerpulse_fail_in_flight_seconds",
                        "From the verdict dead to the last exchange in flight failed, per worker and death.");
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    pool.add({{"peer", name}, {"state", "active"}}, peer.connectionsActive.get());
    pool.add({{"peer", name}, {"state", "idle"}}, peer.connectionsIdle.get());
    pool.add({{"peer", name}, {"state", "connecting"}}, peer.connectionsConnecting.get());
    failing.add({{"peer", name}}, peer.failInFlight.snapshot());
    bytes.add({{"peer", name}, {"direction", "to_peer"}}, peer.bytesToPeer.get());
    bytes.add({{"peer", name}, {"direction", "from_peer"}}, peer.bytesFromPeer.get());
  });
  out.push_back(pool.take());
  out.push_back(bytes.take());
  out.push_back(failing.take());
}

void appendProcessFamilies(const Stats& stats, const RegistrySources& sources, Families& out) {
  auto lag = Family::histogram("peerpulse_loop_lag_seconds", "How late an event loop served its own heartbeat.");
  for (size_t i = 0; i < stats.loopNames().size(); ++i) {
    lag.add({{"loop", stats.loopNames()[i]}}, stats.loop(i).lag.snapshot());
  }
  auto dropped = Family::counter("peerpulse_log_dropped_total", "Log lines lost: queue full or write failed.");
  dropped.add({}, sources.logDropped ? sources.logDropped() : 0);
  auto unreported = Family::counter("peerpulse_report_dropped_total",
                                    "Transitions and warnings without log line and event: too many waited.");
  unreported.add({}, stats.reportsDropped.get());
  auto hooks = Family::counter("peerpulse_hook_runs_total", "Runs of the hook's program, by how they ended.");
  hooks.add({{"result", "ok"}}, stats.hooks.succeeded.get());
  hooks.add({{"result", "failed"}}, stats.hooks.failed.get());
  hooks.add({{"result", "timeout"}}, stats.hooks.timedOut.get());
  hooks.add({{"result", "not_started"}}, stats.hooks.notStarted.get());
  auto hooksDropped =
      Family::counter("peerpulse_hook_dropped_total",
                      "Transitions that the hook was not run for: a newer one of the peer came first.");
  hooksDropped.add({}, stats.hooks.dropped.get());
  auto hooksRunning = Family::gauge("peerpulse_hook_running", "Processes of the hook that run now.");
  hooksRunning.add({}, stats.hooks.running.get());
  auto clients = Family::gauge("peerpulse_admin_connections", "Connections of clients of the admin.");
  clients.add({}, stats.admin.connections.get());
  auto evicted = Family::counter("peerpulse_admin_evicted_total",
                                 "Silent or slow clients of the admin that had to give way to a new one.");
  evicted.add({}, stats.admin.evicted.get());
  auto refused = Family::counter("peerpulse_admin_refused_total",
                                 "Clients of the admin that were closed as they came: all places were in use.");
  refused.add({}, stats.admin.refused.get());
  auto build = Family::gauge("peerpulse_build_info", "Always 1.");
  build.add({{"version", sources.version}}, 1);
  for (Family* family :
       {&lag, &dropped, &unreported, &hooks, &hooksDropped, &hooksRunning, &clients, &evicted, &refused, &build})
    out.push_back(family->take());
}

}  // namespace peerpulse::stats
