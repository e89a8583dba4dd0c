#include "fields.h"

#include <array>

#include "peerpulse/upstream/options.h"

namespace peerpulse::config {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using Kind = TextField::Kind;

constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = 1024 * kKiB;

/// Enums of the options have uint8_t underneath, which may alias anything.
template <typename Enum>
EnumField choice(Enum& value, std::vector<std::string> names) {
  static_assert(sizeof(Enum) == sizeof(uint8_t));
  return {reinterpret_cast<uint8_t*>(&value), std::move(names)};
}

EnumField onDeadField(proxy::OnDead& value) { return choice(value, {"respond", "refuse"}); }
EnumField modeField(guard::Mode& value) { return choice(value, {"proxy", "proxy+guard", "guard"}); }
EnumField profileField(Profile& value) { return choice(value, {"lan", "fast", "wan"}); }

void append(std::vector<Field>& to, std::vector<Field> fields) {
  for (Field& f : fields)
    to.push_back(std::move(f));
}

/// The keys of `probe` and `circuit`; both the defaults of all peers and one peer's own.
std::vector<Field> probeFields(health::ProbeOptions& o, Profile& profile, const std::string& prefix) {
  const std::string probe = prefix + "/probe";
  const std::string circuit = prefix + "/circuit";
  return {
      {probe + "/profile", profileField(profile)},
      {probe + "/interval", DurationField{&o.interval, milliseconds(1), minutes(1)}},
      {probe + "/suspect_after", DurationField{&o.suspectAfter, milliseconds(2), minutes(10)}},
      {probe + "/confirm", DurationField{&o.confirm, milliseconds(1), minutes(1)}},
      {probe + "/confirm_connects", CountField{&o.confirmConnects, 1, 16}},
      {probe + "/confirm_connects_max", CountField{&o.confirmConnectsMax, 1, 16}},
      {probe + "/confirm_port", CountField{&o.confirmPort, 0, 65535}},
      {probe + "/stall_after", DurationField{&o.stallAfter, milliseconds(100), hours(1)}},
      {probe + "/stall_open_after", DurationField{&o.stallOpenAfter, milliseconds(100), hours(24)}},
      {probe + "/recover_interval", DurationField{&o.recoverInterval, milliseconds(1), minutes(1)}},
      {probe + "/icmp", BoolField{&o.icmp}},
      {probe + "/process_interval", DurationField{&o.processInterval, milliseconds(100), hours(1)}},
      {probe + "/health_path", TextField{&o.healthPath, Kind::kPath}},
      {circuit + "/failure_threshold", CountField{&o.failureThreshold, 0, 1'000'000}},
      {circuit + "/open_for", DurationField{&o.openFor, milliseconds(1), hours(24)}},
      {circuit + "/count_timeouts", BoolField{&o.countTimeouts}},
      {circuit + "/count_server_errors", BoolField{&o.countServerErrors}},
  };
}

/// The keys of `tls`; both the defaults of all peers and one peer's own.
std::vector<Field> tlsFields(net::TlsClientOptions& up, net::TlsServerOptions& down, const std::string& prefix) {
  const std::string upstream = prefix + "/tls/upstream";
  const std::string downstream = prefix + "/tls/downstream";
  const std::vector<std::string> versions = {"1.2", "1.3"};
  return {
      {upstream + "/enabled", BoolField{&up.enabled}},
      {upstream + "/ca_file", TextField{&up.caFile, Kind::kPath}},
      {upstream + "/certificate_file", TextField{&up.certificateFile, Kind::kPath}},
      {upstream + "/key_file", TextField{&up.keyFile, Kind::kPath}},
      {upstream + "/server_name", TextField{&up.serverName, Kind::kHost}},
      {upstream + "/verify", choice(up.verify, {"full", "chain", "none"})},
      {upstream + "/min_version", choice(up.minVersion, versions)},
      {upstream + "/ktls", BoolField{&up.ktls}},
      {downstream + "/certificate_file", TextField{&down.certificateFile, Kind::kPath}},
      {downstream + "/key_file", TextField{&down.keyFile, Kind::kPath}},
      {downstream + "/sni_certificates",
       PathsField{&down.sniCertificates, net::TlsServerOptions::kMaxSniCertificates}},
      {downstream + "/client_ca_file", TextField{&down.clientCaFile, Kind::kPath}},
      {downstream + "/client_certificate", choice(down.clientCertificate, {"none", "optional", "required"})},
      {downstream + "/min_version", choice(down.minVersion, versions)},
      {downstream + "/ktls", BoolField{&down.ktls}},
  };
}

EnumField linkModeField(upstream::LinkMode& value) { return choice(value, {"off", "require", "prefer"}); }

std::vector<Field> linkFields(LinkOptions& o) {
  return {
      {"/link/listen", AddressField{&o.listen, true}},
      {"/link/store", AddressField{&o.store, true}},
      {"/link/name", TextField{&o.name, Kind::kName}},
      {"/link/protocol", choice(o.protocol, {"auto", "http1", "http2"})},
      {"/link/mode", linkModeField(o.mode)},
      {"/link/port", CountField{&o.port, 1, 65535}},
      {"/link/retry", DurationField{&o.retry, milliseconds(100), hours(1)}},
      {"/link/tls/certificate_file", TextField{&o.certificateFile, Kind::kPath}},
      {"/link/tls/key_file", TextField{&o.keyFile, Kind::kPath}},
      {"/link/tls/ca_file", TextField{&o.caFile, Kind::kPath}},
      {"/link/tls/verify", choice(o.verify, {"full", "chain"})},
      {"/link/tls/min_version", choice(o.minVersion, {"1.2", "1.3"})},
  };
}

std::vector<Field> timeoutFields(upstream::ClassTimeouts& o, const std::string& prefix) {
  return {
      {prefix + "/connect", DurationField{&o.connect, milliseconds(1), minutes(10)}},
      {prefix + "/request", DurationField{&o.request, milliseconds(1), hours(24), true}},
      {prefix + "/stall", DurationField{&o.stall, milliseconds(1), hours(24), true}},
      {prefix + "/min_bytes_per_second", SizeField{&o.minBytesPerSecond, 1, kMiB * kMiB, true}},
  };
}

std::vector<Field> processFields(Config& c) {
  return {
      {"/node", TextField{&c.node, Kind::kName}},
      {"/workers", CountField{&c.workers, 1, 64}},
      {"/zone", TextField{&c.zone, Kind::kAny}},
      {"/preset", choice(c.preset, {"generic", "rustfs", "minio", "swift"})},
      {"/drain_timeout", DurationField{&c.drainTimeout, milliseconds(1), hours(1), true}},
      {"/drain_record", TextField{&c.drainRecord, Kind::kPath}},
      {"/drain_tunnels", DurationField{&c.proxy.drainTunnels, milliseconds(1), hours(1), true}},
      {"/on_dead", onDeadField(c.onDead)},
      {"/admin/listen", AddressField{&c.admin.listen}},
      {"/admin/allow_remote", BoolField{&c.admin.allowRemote}},
      {"/admin/metrics_listen", AddressField{&c.admin.metricsListen, true}},
      {"/admin/token_file", TextField{&c.admin.tokenFile, Kind::kPath}},
      {"/metrics/per_peer", choice(c.metricsDetail, {"auto", "full", "no_histograms", "essential"})},
      {"/hooks/on_transition/command", CommandField{&c.onTransition.command}},
      {"/hooks/on_transition/timeout", DurationField{&c.onTransition.timeout, milliseconds(100), minutes(10)}},
      {"/log/level", choice(c.log.level, {"debug", "info", "warn", "error"})},
      {"/log/file", TextField{&c.log.file, Kind::kAny}},
      {"/log/access/mode", choice(c.proxy.accessLog.mode, {"all", "notable", "off"})},
      {"/log/access/sample", CountField{&c.proxy.accessLog.sample, 0, 1'000'000'000}},
      {"/log/access/slow", DurationField{&c.proxy.accessLog.slow, milliseconds(1), hours(24), true}},
      {"/log/query", choice(c.proxy.accessLog.query, {"masked", "shown"})},
      {"/log/queue_size", CountField{&c.log.queueSize, 16, 1 << 20}},
      {"/guard/mode", modeField(c.guard.mode)},
      {"/guard/ports", PortsField{&c.guard.ports, guard::Options::kMaxPorts}},
      {"/guard/witness", AddressField{&c.guard.witness, true}},
      {"/guard/max_peers", CountField{&c.guard.maxPeers, 0, kMaxPeers}},
      {"/guard/mark", CountField{&c.guard.mark, 1, UINT32_MAX}},
      {"/upstream/mark", CountField{&c.upstreamMark, 0, UINT32_MAX}},
      {"/upstream/source_address", HostField{&c.upstreamSource}},
      {"/dns/servers", ServersField{&c.dns.servers, dns::Options::kMaxServers}},
      {"/dns/timeout", DurationField{&c.dns.timeout, milliseconds(10), minutes(1)}},
      {"/dns/tries", CountField{&c.dns.tries, 1, 10}},
      {"/dns/min_ttl", DurationField{&c.dns.minTtl, milliseconds(100), hours(24)}},
      {"/dns/max_ttl", DurationField{&c.dns.maxTtl, milliseconds(100), hours(24)}},
      {"/dns/retry", DurationField{&c.dns.retry, milliseconds(100), hours(1)}},
      {"/transparent/listen", AddressField{&c.transparent.listen, true}},
      {"/transparent/listen6", AddressField{&c.transparent.listen6, true}},
  };
}

std::vector<Field> apiFields(fanout::Options& o) {
  return {
      {"/api/listen", AddressField{&o.listen, true}},
      {"/api/peer_timeout", TimeoutField{{&o.peerTimeout, milliseconds(1), hours(1)}, &o.peerTimeoutAuto}},
      {"/api/chunk_timeout", TimeoutField{{&o.chunkTimeout, milliseconds(1), hours(1), true}, &o.chunkTimeoutAuto}},
      {"/api/hedge", TimeoutField{{&o.hedge.delay, milliseconds(1), hours(1), true}, &o.hedge.automatic}},
      {"/api/notify_timeout", DurationField{&o.notifyTimeout, milliseconds(1), hours(1)}},
      {"/api/replay_limit", SizeField{&o.replayLimit, 64 * kKiB, 1024 * kMiB}},
      {"/api/answer_limit", SizeField{&o.answerLimit, kKiB, 64 * kMiB}},
      {"/api/memory", SizeField{&o.memory, kMiB, 1024 * 1024 * kMiB}},
      {"/api/max_operations", CountField{&o.maxOperations, 1, 1'000'000}},
  };
}

std::vector<Field> carryingFields(proxy::ProxyOptions& o) {
  return {
      {"/pool/idle_timeout", DurationField{&o.pool.idleTimeout, milliseconds(1), hours(24)}},
      {"/pool/max_idle_per_peer", CountField{&o.pool.maxIdlePerPeer, 0, 100'000}},
      {"/pool/max_connections", CountField{&o.pool.maxConnections, 1, 100'000}},
      {"/pool/max_pending", CountField{&o.pool.maxPending, 0, 1'000'000}},
      {"/pool/max_streams_per_connection", CountField{&o.pool.maxStreamsPerConnection, 1, 100'000}},
      {"/retry/max_retries", CountField{&o.retry.maxRetries, 0, 100}},
      {"/retry/backoff", DurationField{&o.retry.backoff, milliseconds(1), minutes(1), true}},
      {"/retry/budget_percent", CountField{&o.retry.budgetPercent, 0, 100}},
      {"/retry/replay_idempotent", BoolField{&o.retry.replayIdempotent}},
      {"/timing/window", DurationField{&o.timing.window, seconds(1), hours(24)}},
      {"/timing/samples", CountField{&o.timing.samples, 10, 150}},
      {"/timing/factor", CountField{&o.timing.factor, 2, 100}},
      {"/timing/floor", DurationField{&o.timing.floor, milliseconds(1), hours(1)}},
      {"/timing/ceiling", DurationField{&o.timing.ceiling, milliseconds(1), hours(1)}},
      {"/timing/hedge_percentile", CountField{&o.timing.hedgePercentile, 50, 99}},
      {"/governor/mode", choice(o.governor.mode, {"off", "observe", "enforce"})},
      {"/governor/floor", CountField{&o.governor.floor, 1, 100'000}},
      {"/governor/tolerance", CountField{&o.governor.tolerance, 2, 1000}},
      {"/governor/slow_from", DurationField{&o.governor.slowFrom, milliseconds(1), minutes(10)}},
      {"/governor/window", DurationField{&o.governor.window, milliseconds(10), minutes(1)}},
      {"/governor/relearn", DurationField{&o.governor.relearn, seconds(1), hours(24)}},
      // The kernel's own upper bounds (MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT).
      {"/tcp/keepalive_idle", DurationField{&o.tcp.keepaliveIdle, seconds(1), seconds(32767), false, true}},
      {"/tcp/keepalive_interval", DurationField{&o.tcp.keepaliveInterval, seconds(1), seconds(32767), false, true}},
      {"/tcp/keepalive_probes", CountField{&o.tcp.keepaliveProbes, 1, 127}},
      {"/tcp/user_timeout", DurationField{&o.tcp.userTimeout, milliseconds(1), hours(1), true}},
      {"/limits/hold_for", DurationField{&o.holdFor, milliseconds(1), seconds(10), true}},
      {"/limits/buffer", SizeField{&o.bufferLimit, 64 * kKiB, 64 * kMiB}},
      {"/limits/max_fields", CountField{&o.maxFields, 16, 10'000}},
      {"/limits/max_concurrent_streams", CountField{&o.maxConcurrentStreams, 16, 100'000}},
      {"/limits/downstream_idle_timeout", DurationField{&o.downstreamIdleTimeout, milliseconds(10), hours(24)}},
      {"/limits/header_timeout", DurationField{&o.headerTimeout, milliseconds(10), minutes(10)}},
      {"/limits/client_stall", DurationField{&o.clientStall, seconds(1), hours(24), true}},
      {"/limits/memory", SizeField{&o.memory, 16 * kMiB, 1024 * 1024 * kMiB, true}},
      {"/limits/max_downstream_connections", CountField{&o.maxDownstreamConnections, 1, 1'000'000}},
  };
}

}  // namespace

std::vector<Field> fieldsOf(Config& config) {
  std::vector<Field> fields = processFields(config);
  append(fields, probeFields(config.probe, config.profile, ""));
  append(fields, tlsFields(config.tlsUpstream, config.tlsDownstream, ""));
  append(fields, linkFields(config.link));
  for (size_t i = 0; i < upstream::kTrafficClasses; ++i) {
    append(fields, timeoutFields(config.proxy.timeouts[i],
                                 std::string("/timeouts/") + toString(static_cast<upstream::TrafficClass>(i))));
  }
  append(fields, apiFields(config.api));
  append(fields, carryingFields(config.proxy));
  return fields;
}

std::vector<Field> fieldsOf(proxy::PeerOptions& peer, Profile& profile, const std::string& prefix) {
  std::vector<Field> fields = {
      {prefix + "/name", TextField{&peer.name, Kind::kName}},
      {prefix + "/listen", AddressField{&peer.listen, true}},
      {prefix + "/address", EndpointField{&peer.address}},
      {prefix + "/source_address", HostField{&peer.source}},
      {prefix + "/zone", TextField{&peer.zone, Kind::kAny}},
      {prefix + "/on_dead", onDeadField(peer.onDead)},
      {prefix + "/guard/mode", modeField(peer.mode)},
      {prefix + "/transparent", BoolField{&peer.transparent}},
      {prefix + "/protocol", choice(peer.protocol, {"auto", "http1", "http2"})},
      {prefix + "/link/mode", linkModeField(peer.link.mode)},
      {prefix + "/link/address", AddressField{&peer.link.address, true}},
      {prefix + "/link/server_name", TextField{&peer.link.tls.serverName, Kind::kHost}},
  };
  append(fields, probeFields(peer.probe, profile, prefix));
  append(fields, tlsFields(peer.tls, peer.tlsDownstream, prefix));
  return fields;
}

std::vector<Field> fieldsOf(proxy::Route& route, const std::string& prefix) {
  return {
      {prefix + "/name", TextField{&route.name, Kind::kName}},
      {prefix + "/method", TextField{&route.method, Kind::kToken}},
      {prefix + "/path_prefix", TextField{&route.pathPrefix, Kind::kPath}},
      {prefix + "/content_type_prefix", TextField{&route.contentTypePrefix, Kind::kAny}},
      {prefix + "/class", choice(route.trafficClass, {"control", "bulk", "stream"})},
  };
}

std::vector<Field> fieldsOf(fanout::ErasureSet& set, const std::string& prefix) {
  constexpr size_t kMaxDisks = 256;
  return {
      {prefix + "/name", TextField{&set.name, Kind::kName}},
      {prefix + "/disks", DisksField{&set.disks, kMaxDisks}},
      {prefix + "/spares", DisksField{&set.spares, kMaxDisks}},
  };
}

}  // namespace peerpulse::config
