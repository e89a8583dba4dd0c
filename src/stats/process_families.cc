#include "families.h"

namespace peerpulse::stats {

namespace {

void appendHookFamilies(const HookStats& hooks, Families& out) {
  auto runs = Family::counter("peerpulse_hook_runs_total", "Runs of the hook's program, by how they ended.");
  runs.add({{"result", "ok"}}, hooks.succeeded.get());
  runs.add({{"result", "failed"}}, hooks.failed.get());
  runs.add({{"result", "timeout"}}, hooks.timedOut.get());
  runs.add({{"result", "not_started"}}, hooks.notStarted.get());
  auto dropped = Family::counter("peerpulse_hook_dropped_total",
                                 "Transitions that the hook was not run for: a newer one of the peer came first.");
  dropped.add({}, hooks.dropped.get());
  auto running = Family::gauge("peerpulse_hook_running", "Processes of the hook that run now.");
  running.add({}, hooks.running.get());
  out.add({&runs, &dropped, &running});
}

void appendAdminFamilies(const AdminStats& admin, Families& out) {
  auto clients = Family::gauge("peerpulse_admin_connections", "Connections of clients of the admin.");
  clients.add({}, admin.connections.get());
  auto evicted = Family::counter("peerpulse_admin_evicted_total",
                                 "Silent or slow clients of the admin that had to give way to a new one.");
  evicted.add({}, admin.evicted.get());
  auto refused = Family::counter("peerpulse_admin_refused_total",
                                 "Clients of the admin that were closed as they came: all places were in use.");
  refused.add({}, admin.refused.get());
  out.add({&clients, &evicted, &refused});
}

void appendClusterFamilies(const ClusterCounts& cluster, Families& out) {
  auto size = Family::gauge("peerpulse_cluster_size", "Nodes of the cluster, this one among them.");
  size.add({}, cluster.size);
  auto quorum = Family::gauge("peerpulse_cluster_quorum", "Nodes that a majority needs.");
  quorum.add({}, cluster.quorum);
  auto online = Family::gauge("peerpulse_cluster_online", "Nodes that this one reaches, itself among them.");
  online.add({}, cluster.online);
  out.add({&size, &quorum, &online});
}

/// As other clients of Prometheus name them.
void appendUsage(const ProcessUsage& usage, Families& out) {
  auto cpu = Family::counter("process_cpu_seconds_total", "User and system CPU time spent, in seconds.");
  cpu.addAmount({}, usage.cpuSeconds);
  auto start = Family::gauge("process_start_time_seconds", "Start of the process, in seconds since the epoch.");
  start.addFraction({}, usage.startTimeSeconds);
  out.add({&cpu, &start});
  const auto gauge = [&](const char* name, const char* help, uint64_t value) {
    auto family = Family::gauge(name, help);
    family.add({}, value);
    out.add(family);
  };
  gauge("process_resident_memory_bytes", "Resident memory.", usage.residentBytes);
  gauge("process_virtual_memory_bytes", "Virtual memory.", usage.virtualBytes);
  gauge("process_open_fds", "Open file descriptors.", usage.openFds);
  gauge("process_max_fds", "Most file descriptors that may be open.", usage.maxFds);
  gauge("process_threads", "Threads.", usage.threads);
}

/// Of the process before this one: nobody is left who could be asked for it.
void appendLastDrain(const Stats& stats, Families& out) {
  auto left =
      Family::gauge("peerpulse_last_drain_left_ratio",
                    "Of drain_timeout, what was left when the process before this one ended; 1: it told nothing.");
  left.addFraction({}, 1 - static_cast<double>(stats.lastDrainSpentPermille.get()) / 1000);
  auto cut = Family::gauge("peerpulse_last_drain_cut", "Exchanges that it cut off.");
  cut.add({}, stats.lastDrainCut.get());
  out.add({&left, &cut});
}

}  // namespace

void appendProcessFamilies(const Stats& stats, const RegistrySources& sources, Families& out) {
  auto lag = Family::histogram("peerpulse_loop_lag_seconds", "How late an event loop served its own heartbeat.");
  for (size_t i = 0; i < stats.loopNames().size(); ++i) {
    lag.add({{"loop", stats.loopNames()[i]}}, stats.loop(i).lag.snapshot());
  }
  auto lines =
      Family::counter("peerpulse_log_lines_total", "Log lines handed to the log thread; those lost are among them.");
  lines.add({}, sources.logLines ? sources.logLines() : 0);
  auto dropped = Family::counter("peerpulse_log_dropped_total", "Log lines lost: queue full or write failed.");
  dropped.add({}, sources.logDropped ? sources.logDropped() : 0);
  auto unreported = Family::counter("peerpulse_report_dropped_total",
                                    "Transitions and warnings without log line and event: too many waited.");
  unreported.add({}, stats.reportsDropped.get());
  auto build = Family::gauge("peerpulse_build_info", "Always 1.");
  build.add({{"version", sources.version}, {"node", sources.node}}, 1);
  auto draining = Family::gauge("peerpulse_draining", "1 from the signal to end until the end.");
  draining.add({}, stats.draining.get());
  auto left =
      Family::gauge("peerpulse_drain_left_ratio",
                    "Of drain_timeout, what is left before exchanges are cut off; 1 while there is no drain.");
  left.addFraction({}, 1 - static_cast<double>(stats.drainSpentPermille.get()) / 1000);
  out.add({&lag, &lines, &dropped, &unreported, &build, &draining, &left});
  appendLastDrain(stats, out);
  appendHookFamilies(stats.hooks, out);
  appendAdminFamilies(stats.admin, out);
  appendClusterFamilies(sources.cluster, out);
  if (sources.usage) appendUsage(sources.usage(), out);
}

}  // namespace peerpulse::stats
