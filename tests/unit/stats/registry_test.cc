#include "peerpulse/stats/registry.h"

#include <regex>
#include <set>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

using namespace peerpulse;
using stats::PeerState;
using stats::Registry;
using stats::RegistrySources;
using stats::Stats;

namespace {

RegistrySources sources() {
  RegistrySources s;
  s.verdicts = {"unknown", "alive", "dead"};
  s.circuits = {"closed", "open"};
  s.peerState = [](PeerId id) {
    return slot(id) == 0 ? PeerState{"dead", "open", true} : PeerState{"alive", "closed"};
  };
  s.localStates = {"ok", "suspect"};
  s.localHealth = [] { return std::string("suspect"); };
  s.logLines = [] { return uint64_t{900}; };
  s.logDropped = [] { return uint64_t{7}; };
  s.version = "0.1.0";
  s.node = "node1";
  s.transitionKinds = {{"dead", "probe_silence"}, {"alive", "probe_ack"}, {"closed", "operator"}};
  s.cluster = {.size = 3, .quorum = 2, .online = 1};
  s.limits = {{"pending", 4096}};
  s.usage = [] {
    return stats::ProcessUsage{.cpuSeconds = 1.5, .residentBytes = 4096, .openFds = 12, .maxFds = 1024, .threads = 5};
  };
  return s;
}

bool hasLine(const std::string& text, const std::string& line) {
  return text.starts_with(line + "\n") || text.find("\n" + line + "\n") != std::string::npos;
}

#define CHECK_LINE(text, line) CHECK_MESSAGE(hasLine(text, line), line)

}  // namespace

TEST_CASE("links are told of peers that have one") {
  Stats s({"node2", "node3", "node4"}, {"rpc"}, {"main"});
  s.peer(PeerId{0}).link.mode.set(2);
  s.peer(PeerId{0}).link.state.set(2);
  s.peer(PeerId{0}).link.fallbacks.add(3);
  s.peer(PeerId{1}).link.mode.set(1);
  s.peer(PeerId{1}).link.state.set(1);
  const std::string text = Registry(s, sources()).text();
  CHECK_LINE(text, "peerpulse_link_up{peer=\"node2\"} 0");
  CHECK_LINE(text, "peerpulse_link_fallback{peer=\"node2\"} 1");
  CHECK_LINE(text, "peerpulse_link_fallbacks_total{peer=\"node2\"} 3");
  CHECK_LINE(text, "peerpulse_link_up{peer=\"node3\"} 1");
  CHECK_LINE(text, "peerpulse_link_fallback{peer=\"node3\"} 0");
  CHECK(text.find("peerpulse_link_up{peer=\"node4\"}") == std::string::npos);
}

TEST_CASE("the names and labels of the 2025 analysis") {
  Stats s({"node2", "node3"}, {"put_file"}, {"main"});
  s.peer(PeerId{0}).connectionsActive.set(3);
  s.peer(PeerId{0}).connectionsIdle.set(2);
  s.peer(PeerId{0}).probe.connected.set(1);
  s.peer(PeerId{0}).connectFailuresTotal.add(4);
  s.peer(PeerId{1}).evictionsTotal.add(9);
  s.operation(PeerId{0}, 0).duration.observe(0.02);
  s.operation(PeerId{1}, 0).timeouts.add();
  s.uploads.started();
  s.uploads.started();
  s.uploads.started();
  s.uploads.succeeded(10, milliseconds(20));
  s.uploads.failed(stats::UploadFailure::kPeerTimeout);
  const std::string text = Registry(s, sources()).text();
  CHECK_LINE(text, "rustfs_peer_connections_active{peer_host=\"node2\"} 6");
  CHECK_LINE(text, "rustfs_peer_connection_failures_total{peer_host=\"node2\"} 4");
  CHECK_LINE(text, "rustfs_peer_connection_evictions_total{peer_host=\"node3\"} 9");
  CHECK_LINE(text, "rustfs_peer_rpc_duration_seconds_count{peer_host=\"node2\",operation=\"put_file\"} 1");
  CHECK_LINE(text,
             "rustfs_peer_rpc_duration_seconds_bucket{peer_host=\"node2\",operation=\"put_file\",le=\"+Inf\"} 1");
  CHECK_LINE(text, "rustfs_peer_timeout_total{peer_host=\"node3\",operation=\"put_file\"} 1");
  CHECK_LINE(text, "rustfs_upload_duration_seconds_count{size_bucket=\"0_64kb\"} 1");
  CHECK_LINE(text, "rustfs_upload_success_total 1");
  CHECK_LINE(text, "rustfs_upload_failures_total{reason=\"peer_timeout\"} 1");
  CHECK_LINE(text, "rustfs_upload_in_progress 1");
}

TEST_CASE("latency by class, where there was any; hedges") {
  Stats s({"node2", "node3"}, {"put_file"}, {});
  for (int i = 0; i < 3; ++i)
    s.peer(PeerId{1}).latency[1].answered(nanoseconds(1 << 20), TimePoint(), seconds(60));
  s.fanout.operations[1].hedges[0].add(2);
  s.fanout.operations[1].hedgesOverBudget.add();
  const std::string text = Registry(s, sources()).text();
  CHECK_LINE(text, "peerpulse_latency_samples{peer=\"node3\",class=\"bulk\"} 3");
  CHECK_LINE(text, "peerpulse_latency_seconds{peer=\"node3\",class=\"bulk\",quantile=\"0.99\"} 0.001048576");
  CHECK(text.find("peerpulse_latency_samples{peer=\"node2\"") == std::string::npos);
  CHECK_LINE(text, "peerpulse_fanout_hedges_total{operation=\"aggregate\",result=\"won\"} 2");
  CHECK_LINE(text, "peerpulse_fanout_hedges_total{operation=\"aggregate\",result=\"over_budget\"} 1");
}

TEST_CASE("verdict, circuit, transitions and probes") {
  Stats s({"node2", "node3"}, {"put_file"}, {"main", "prober"});
  s.countTransition(PeerId{0}, "dead", "probe_silence");
  s.peer(PeerId{0}).probe.pings.sent.add(100);
  s.peer(PeerId{0}).probe.suspects.add(2);
  s.peer(PeerId{0}).probe.scoreMillis.set(873);
  s.peer(PeerId{0}).probe.degradings.add();
  s.peer(PeerId{0}).probe.rtt.observe(microseconds(150));
  s.peer(PeerId{1}).bytesToPeer.add(1 << 20);
  s.peer(PeerId{0}).probe.unasked.add(4);
  s.peer(PeerId{0}).timeoutsBy[1].add(3);
  s.peer(PeerId{0}).failuresBy[2].add(5);
  s.peer(PeerId{0}).clientsOverLimit.add(6);
  s.peer(PeerId{1}).clientsWithoutDescriptor.add(7);
  s.loop(1).lag.observe(microseconds(50));
  const std::string text = Registry(s, sources()).text();
  CHECK_LINE(text, "peerpulse_peer_verdict{peer=\"node2\",verdict=\"dead\"} 1");
  CHECK_LINE(text, "peerpulse_peer_verdict{peer=\"node2\",verdict=\"alive\"} 0");
  CHECK_LINE(text, "peerpulse_circuit_state{peer=\"node3\",state=\"closed\"} 1");
  CHECK_LINE(text, "peerpulse_transitions_total{peer=\"node2\",to=\"dead\",reason=\"probe_silence\"} 1");
  CHECK_LINE(text, "peerpulse_peer_score{peer=\"node2\"} 0.873");
  CHECK_LINE(text, "peerpulse_degrading_total{peer=\"node2\"} 1");
  CHECK_LINE(text, "peerpulse_local_health{state=\"suspect\"} 1");
  CHECK_LINE(text, "peerpulse_local_health{state=\"ok\"} 0");
  CHECK_LINE(text, "peerpulse_probes_sent_total{peer=\"node2\",kind=\"ping\"} 100");
  CHECK_LINE(text, "peerpulse_detection_stages_total{peer=\"node2\",stage=\"suspect\"} 2");
  CHECK_LINE(text, "peerpulse_probe_rtt_seconds_bucket{peer=\"node2\",le=\"0.0001\"} 0");
  CHECK_LINE(text, "peerpulse_probe_rtt_seconds_bucket{peer=\"node2\",le=\"0.0002\"} 1");
  CHECK_LINE(text, "peerpulse_bytes_total{peer=\"node3\",direction=\"to_peer\"} 1048576");
  CHECK_LINE(text, "peerpulse_loop_lag_seconds_count{loop=\"prober\"} 1");
  CHECK_LINE(text, "peerpulse_probe_unasked_total{peer=\"node2\"} 4");
  CHECK_LINE(text, "peerpulse_timeouts_total{peer=\"node2\",party=\"client\"} 3");
  CHECK_LINE(text, "peerpulse_timeouts_total{peer=\"node2\",party=\"peer\"} 0");
  CHECK_LINE(text, "peerpulse_failed_exchanges_total{peer=\"node2\",party=\"host\"} 5");
  CHECK_LINE(text, "peerpulse_clients_turned_away_total{peer=\"node2\",reason=\"limit\"} 6");
  CHECK_LINE(text, "peerpulse_clients_turned_away_total{peer=\"node3\",reason=\"descriptors\"} 7");
  CHECK_LINE(text, "peerpulse_log_lines_total 900");
  CHECK_LINE(text, "peerpulse_log_dropped_total 7");
  CHECK_LINE(text, "peerpulse_report_dropped_total 0");
  CHECK_LINE(text, "peerpulse_build_info{version=\"0.1.0\",node=\"node1\"} 1");
}

TEST_CASE("transitions of which nobody was told are counted, and the peer's sum has them") {
  Stats s({"node2", "node3"}, {"put_file"}, {"main"});
  s.countTransition(PeerId{0}, "dead", "probe_silence");
  s.reportsDropped.add(3);
  s.peer(PeerId{0}).probe.transitionsUnreported.add(2);
  const std::string text = Registry(s, sources()).text();
  CHECK_LINE(text, "peerpulse_report_dropped_total 3");
  CHECK_LINE(text, "peerpulse_transitions_total{peer=\"node2\",to=\"dead\",reason=\"probe_silence\"} 1");
  CHECK_LINE(text, "peerpulse_transitions_total{peer=\"node2\",to=\"unreported\",reason=\"unreported\"} 2");
  CHECK(text.find("peer=\"node3\",to=\"unreported\"") == std::string::npos);
}

TEST_CASE("runs of a hook by how they ended") {
  Stats stats({"node2"}, {"rpc"}, {"main"});
  stats.hooks.succeeded.add(4);
  stats.hooks.failed.add(3);
  stats.hooks.timedOut.add(2);
  stats.hooks.notStarted.add(1);
  stats.hooks.dropped.add(9);
  stats.hooks.running.set(1);
  const std::string text = Registry(stats, sources()).text();
  CHECK_LINE(text, "peerpulse_hook_runs_total{result=\"ok\"} 4");
  CHECK_LINE(text, "peerpulse_hook_runs_total{result=\"failed\"} 3");
  CHECK_LINE(text, "peerpulse_hook_runs_total{result=\"timeout\"} 2");
  CHECK_LINE(text, "peerpulse_hook_runs_total{result=\"not_started\"} 1");
  CHECK_LINE(text, "peerpulse_hook_dropped_total 9");
  CHECK_LINE(text, "peerpulse_hook_running 1");
}

TEST_CASE("the text is valid exposition format and no series appears twice") {
  Stats s({"node\"2\\", "node3"}, {"a", "b"}, {"main"});
  std::istringstream lines(Registry(s, sources()).text());
  const std::regex sample(
      R"re([a-zA-Z_][a-zA-Z0-9_]*(\{([a-z_]+="([^"\\]|\\.)*"(,|(?=\})))*\})? [-+0-9.eE]+( [0-9]+)?)re");
  const std::regex comment(R"(# (HELP [a-z0-9_]+ .*|TYPE [a-z0-9_]+ (counter|gauge|histogram)))");
  std::set<std::string> seen;
  size_t samples = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) {
      CHECK_MESSAGE(std::regex_match(line, comment), line);
      continue;
    }
    ++samples;
    CHECK_MESSAGE(std::regex_match(line, sample), line);
    CHECK_MESSAGE(seen.insert(line.substr(0, line.rfind(' '))).second, line);
  }
  CHECK(samples > 200);
}

TEST_CASE("each kind of transition is there from the start, so that its first one is an increase") {
  Stats s({"node2"}, {"a"}, {"main"});
  const std::string before = Registry(s, sources()).text();
  CHECK_LINE(before, "peerpulse_transitions_total{peer=\"node2\",to=\"dead\",reason=\"probe_silence\"} 0");
  s.countTransition(PeerId{0}, "dead", "probe_silence");
  const std::string after = Registry(s, sources()).text();
  CHECK_LINE(after, "peerpulse_transitions_total{peer=\"node2\",to=\"dead\",reason=\"probe_silence\"} 1");
  CHECK_LINE(after, "peerpulse_transitions_total{peer=\"node2\",to=\"alive\",reason=\"probe_ack\"} 0");
}

TEST_CASE("responses by class of status, and our own apart") {
  Stats s({"node2"}, {"a"}, {"main"});
  for (const int status : {101, 200, 204, 304, 404, 503, 599, 0, 99, 600})
    s.peer(PeerId{0}).answered(status);
  s.peer(PeerId{0}).ownResponses.add(4);
  const std::string text = Registry(s, sources()).text();
  CHECK_LINE(text, "peerpulse_responses_total{peer=\"node2\",status=\"1xx\"} 1");
  CHECK_LINE(text, "peerpulse_responses_total{peer=\"node2\",status=\"2xx\"} 2");
  CHECK_LINE(text, "peerpulse_responses_total{peer=\"node2\",status=\"5xx\"} 2");
  CHECK_LINE(text, "peerpulse_own_responses_total{peer=\"node2\"} 4");
}

TEST_CASE("our own limits, the cluster and the process") {
  Stats s({"node2", "node3"}, {"a"}, {"main"});
  s.peer(PeerId{0}).pendingRefusals.add(2);
  s.peer(PeerId{1}).pendingRefusals.add(3);
  s.peer(PeerId{1}).governors[1].shed.add(7);
  s.draining.set(1);
  s.drainSpentPermille.set(250);
  s.lastDrainSpentPermille.set(1000);
  s.lastDrainCut.set(3);
  const std::string text = Registry(s, sources()).text();
  CHECK_LINE(text, "peerpulse_limit{limit=\"pending\"} 4096");
  CHECK_LINE(text, "peerpulse_limit_refusals_total{limit=\"pending\"} 5");
  CHECK_LINE(text, "peerpulse_limit_refusals_total{limit=\"governor\"} 7");
  CHECK_LINE(text, "peerpulse_limit_refusals_total{limit=\"api_memory\"} 0");
  CHECK_LINE(text, "peerpulse_cluster_online 1");
  CHECK_LINE(text, "peerpulse_cluster_quorum 2");
  CHECK_LINE(text, "peerpulse_draining 1");
  CHECK_LINE(text, "peerpulse_drain_left_ratio 0.75");
  CHECK_LINE(text, "peerpulse_last_drain_left_ratio 0");
  CHECK_LINE(text, "peerpulse_last_drain_cut 3");
  CHECK_LINE(text, "process_cpu_seconds_total 1.5");
  CHECK_LINE(text, "process_open_fds 12");
}

TEST_CASE("TLS is told where it is spoken") {
  Stats s({"node2", "node3"}, {"default"}, {"main"});
  stats::PeerStats& peer = s.peer(PeerId{0});
  peer.tlsUpstream.enabled.set(1);
  peer.tlsUpstream.shookHands(false, false);
  peer.tlsUpstream.shookHands(true, true);
  peer.tlsUpstream.shookHands(true, false);
  peer.tlsUpstream.ended(codeOf(TlsFailure::kNoHttp2));
  peer.certificates.client.set(1'800'000'000);
  s.tlsReloadsFailed.add();
  const std::string text = Registry(s, sources()).text();
  CHECK_LINE(text, "peerpulse_tls_handshakes_total{peer=\"node2\",side=\"upstream\",resumed=\"false\"} 1");
  CHECK_LINE(text, "peerpulse_tls_handshakes_total{peer=\"node2\",side=\"upstream\",resumed=\"true\"} 2");
  CHECK_LINE(text, "peerpulse_tls_ktls_connections_total{peer=\"node2\",side=\"upstream\"} 1");
  CHECK_LINE(text, "peerpulse_tls_failures_total{peer=\"node2\",side=\"upstream\",reason=\"no_http2\"} 1");
  CHECK_LINE(text, "peerpulse_tls_failures_total{peer=\"node2\",side=\"upstream\",reason=\"protocol\"} 0");
  CHECK_LINE(text, "peerpulse_tls_certificate_not_after_seconds{peer=\"node2\",certificate=\"client\"} 1800000000");
  CHECK_LINE(text, "peerpulse_tls_reloads_total{result=\"failed\"} 1");
  CHECK(text.find("peerpulse_tls_handshakes_total{peer=\"node3\"") == std::string::npos);
  CHECK(text.find("side=\"downstream\"") == std::string::npos);
}

TEST_CASE("with less detail what is not by peer is a sum, and no family is missing") {
  std::vector<std::string> peers;
  for (int i = 0; i < 200; ++i)
    peers.push_back("node" + std::to_string(i));
  Stats s(peers, {"put", "get"}, {"main"});
  for (uint32_t i = 0; i < 200; ++i) {
    s.peer(PeerId{i}).requestsTotal.add(1'000'000);
    s.peer(PeerId{i}).bytesToPeer.add(uint64_t{1} << 45);
    s.peer(PeerId{i}).bytesFromPeer.add(uint64_t{1} << 45);
    s.peer(PeerId{i}).retriesTotal.add(2);
    s.operation(PeerId{i}, i % 2).duration.observe(0.02);
    s.operation(PeerId{i}, i % 2).timeouts.add();
    s.countTransition(PeerId{i}, "dead", "probe_silence");
  }
  const auto families = [](const std::string& text) {
    std::set<std::string> names;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("# TYPE ")) names.insert(line.substr(7));
    }
    return names;
  };
  RegistrySources wanted = sources();
  const std::string full = Registry(s, wanted).text();
  wanted.detail = stats::PeerDetail::kNoHistograms;
  const std::string some = Registry(s, wanted).text();
  wanted.detail = stats::PeerDetail::kAuto;
  const std::string few = Registry(s, wanted).text();
  CHECK(families(full) == families(few));
  CHECK(families(full) == families(some));
  CHECK(few.size() < 400'000);
  CHECK(some.size() < full.size());
  CHECK_LINE(full, "peerpulse_retries_total{peer=\"node7\"} 2");
  CHECK_LINE(some, "peerpulse_retries_total{peer=\"node7\"} 2");
  CHECK_LINE(few, "peerpulse_retries_total 400");
  CHECK_LINE(full, "rustfs_peer_rpc_duration_seconds_count{peer_host=\"node7\",operation=\"get\"} 1");
  for (const std::string& text : {some, few}) {
    CHECK_LINE(text, "rustfs_peer_rpc_duration_seconds_count{operation=\"get\"} 100");
    CHECK_LINE(text, "rustfs_peer_rpc_duration_seconds_bucket{operation=\"get\",le=\"0.01\"} 0");
    CHECK_LINE(text, "rustfs_peer_rpc_duration_seconds_bucket{operation=\"get\",le=\"0.025\"} 100");
  }
  CHECK_LINE(few, "rustfs_peer_timeout_total{peer_host=\"node7\"} 1");
  CHECK_LINE(few, "peerpulse_transitions_total{peer=\"node7\",to=\"dead\"} 1");
  CHECK_LINE(few, "peerpulse_transitions_total{peer=\"node7\",to=\"alive\"} 0");
  CHECK_LINE(few, "peerpulse_peer_verdict{peer=\"node7\",verdict=\"alive\"} 1");
  CHECK_LINE(few, "peerpulse_requests_total{peer=\"node7\"} 1000000");
}
