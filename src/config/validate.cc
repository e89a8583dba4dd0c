#include "validate.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "links.h"
#include "own_address.h"
#include "peerpulse/net/original_destination.h"
#include "units.h"

namespace peerpulse::config {

namespace {

std::string quote(const std::string& text) { return "\"" + text + "\""; }

/// Whether `address` is the wildcard of its family.
bool isWildcard(const SocketAddress& address) {
  const std::string text = address.toString();
  return text.starts_with("0.0.0.0:") || text.starts_with("[::]:");
}

/// Whether both cannot be bound at once. The IPv6 wildcard takes IPv4 too; port 0 is the system's choice.
bool clash(const SocketAddress& a, const SocketAddress& b) {
  if (a.family() == AF_UNSPEC || b.family() == AF_UNSPEC) return false;
  if (a.isUnix() || b.isUnix()) return a == b;
  if (a.port() != b.port() || a.port() == 0) return false;
  if (a == b) return true;
  const bool dualStack = (isWildcard(a) && a.family() == AF_INET6) || (isWildcard(b) && b.family() == AF_INET6);
  return dualStack || (a.family() == b.family() && (isWildcard(a) || isWildcard(b)));
}

void checkNames(const Config& config, ErrorList& errors) {
  std::map<std::string, const proxy::PeerOptions*> names;
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    const std::string where = pointerTo(peer, "name");
    const auto [at, fresh] = names.emplace(peer.name, &peer);
    if (!fresh) {
      errors.add(where, quote(peer.name), "a name of its own: " + pointerTo(*at->second, "") + " has it too");
    }
    if (peer.name == config.node) errors.add(where, quote(peer.name), "another name than this node's (/node)");
  }
}

// A listener and what the guard's mode says of it.
void checkListen(const proxy::PeerOptions& peer, const std::string& where, ErrorList& errors) {
  const bool listens = peer.listen.family() != AF_UNSPEC;
  if (guard::carries(peer.mode) && !listens && !peer.transparent) {
    errors.add(where, "\"\"",
               "an address: only a transparent peer, or one with guard.mode \"guard\", has no listener");
  }
  if (!guard::carries(peer.mode) && listens) {
    errors.add(where, quote(peer.listen.toString()),
               "no such key: with guard.mode \"guard\" there is no listener (\"proxy+guard\" has both)");
  }
}

void checkGuard(const Config& config, ErrorList& errors) {
  const SocketAddress& witness = config.guard.witness;
  if (witness.family() != AF_UNSPEC && (witness.isUnix() || witness.port() == 0)) {
    errors.add("/guard/witness", quote(witness.toString()), "a TCP address with a port from 1 to 65535");
  }
  const OwnHosts own = OwnHosts::ofThisHost();
  if (!witness.isUnix() && witness.family() != AF_UNSPEC && own.has(hostOf(witness))) {
    errors.add("/guard/witness", quote(witness.toString()),
               "the address of another host: this one answers itself, however cut off it is");
  }
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    if (guard::carries(peer.mode) || !peer.address.isUnix()) continue;
    errors.add(pointerTo(peer, "guard/mode"), "\"guard\"", "\"proxy\": a unix address has no TCP sockets");
  }
}

/// What keeps `peer` from being called by its address; empty: nothing.
std::string whyNotTransparent(const Config& config, const proxy::PeerOptions& peer) {
  if (!config.transparent.enabled()) return "false, or an address at /transparent/listen";
  if (!guard::carries(peer.mode)) return "false: guard.mode \"guard\" carries no traffic";
  if (peer.address.isName()) return "false: connects show addresses and no names, and this peer's is a name";
  if (peer.address.isUnix()) return "false: nobody's connects to a unix address can be turned";
  const bool v4 = net::withoutMapping(peer.address.literal()).family() == AF_INET;
  const SocketAddress& listen = v4 ? config.transparent.listen : config.transparent.listen6;
  if (listen.family() != AF_UNSPEC) return {};
  return std::string("false, or an address at ") + (v4 ? "/transparent/listen" : "/transparent/listen6") + ": " +
         quote(peer.address.toString()) + (v4 ? " is IPv4" : " is IPv6");
}

void checkTransparentListen(const Config& config, const SocketAddress& listen, int family, const std::string& where,
                            ErrorList& errors) {
  if (listen.family() == AF_UNSPEC) return;
  const std::string found = quote(listen.toString());
  if (listen.family() != family || !listen.isLoopback()) {
    errors.add(where, found,
               std::string("a loopback address of ") +
                   (family == AF_INET ? "IPv4 (127.0.0.1:15001)" : "IPv6 ([::1]:15001)") +
                   ": who comes from elsewhere has no business there");
  }
  const auto check = [&](const SocketAddress& other, const std::string& of) {
    if (clash(listen, other)) errors.add(where, found, "an address of its own: " + of + " has it too");
  };
  check(config.admin.listen, "/admin/listen");
  check(config.admin.metricsListen, "/admin/metrics_listen");
  check(config.api.listen, "/api/listen");
  for (const proxy::PeerOptions& peer : config.proxy.peers)
    check(peer.listen, pointerTo(peer, "listen"));
}

void checkTransparent(const Config& config, ErrorList& errors) {
  checkTransparentListen(config, config.transparent.listen, AF_INET, "/transparent/listen", errors);
  checkTransparentListen(config, config.transparent.listen6, AF_INET6, "/transparent/listen6", errors);
  std::map<std::string, PeerId> addresses;
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    if (!peer.transparent) continue;
    if (const std::string why = whyNotTransparent(config, peer); !why.empty()) {
      errors.add(pointerTo(peer, "transparent"), "true", why);
      continue;
    }
    const auto [at, fresh] = addresses.emplace(net::withoutMapping(peer.address.literal()).toString(), peer.id);
    if (fresh || config.proxy.peers[slot(at->second)].address == peer.address)
      continue;  // the latter is said elsewhere
    errors.add(pointerTo(peer, "address"), quote(peer.address.toString()),
               "an address of its own: " + pointerTo(config.proxy.peers[slot(at->second)], "") +
                   " has it too, written in another way");
  }
}

// Whoever reaches it may ask anything of every peer.
void checkApi(const Config& config, ErrorList& errors) {
  const fanout::Options& api = config.api;
  if (api.listen.family() == AF_UNSPEC) return;
  const std::string listen = quote(api.listen.toString());
  if (!api.listen.isUnix() && !api.listen.isLoopback()) {
    errors.add("/api/listen", listen, "a loopback address or a unix socket: it has no authentication");
  }
  if (clash(api.listen, config.admin.listen)) {
    errors.add("/api/listen", listen, "another address than /admin/listen, " + quote(config.admin.listen.toString()));
  }
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    if (!clash(api.listen, peer.listen)) continue;
    errors.add("/api/listen", listen, "an address of its own: " + pointerTo(peer, "listen") + " has it too");
  }
  if (api.memory < api.replayLimit) {
    errors.add("/api/memory", std::to_string(api.memory) + " bytes",
               "at least /api/replay_limit, " + std::to_string(api.replayLimit) + " bytes: one body must find room");
  }
}

// A disk's node is this one or a peer.
void checkErasureSets(const Config& config, ErrorList& errors) {
  const auto& sets = config.api.erasureSets;
  const auto known = [&](const std::string& node) {
    const auto& peers = config.proxy.peers;
    return node == config.node || std::any_of(peers.begin(), peers.end(), [&](const auto& peer) {
             return peer.role == proxy::Role::kPeer && peer.name == node;
           });
  };
  std::map<std::string, size_t> names;
  for (size_t i = 0; i < sets.size(); ++i) {
    const std::string where = "/erasure_sets/" + std::to_string(i);
    const auto [at, fresh] = names.emplace(sets[i].name, i);
    if (!fresh) {
      errors.add(where + "/name", quote(sets[i].name),
                 "a name of its own: /erasure_sets/" + std::to_string(at->second) + " has it too");
    }
    if (sets[i].disks.empty()) errors.add(where + "/disks", "an empty array", "at least one disk");
    const auto check = [&](const std::vector<fanout::Disk>& disks, const std::string& key) {
      for (size_t k = 0; k < disks.size(); ++k) {
        if (known(disks[k].node)) continue;
        errors.add(where + key + "/" + std::to_string(k), quote(disks[k].name()),
                   "a disk of this node (" + quote(config.node) + ") or of one of /peers");
      }
    };
    check(sets[i].disks, "/disks");
    check(sets[i].spares, "/spares");
    for (size_t k = 0; k < sets[i].spares.size(); ++k) {
      const fanout::Disk& spare = sets[i].spares[k];
      if (std::find(sets[i].disks.begin(), sets[i].disks.end(), spare) == sets[i].disks.end()) continue;
      errors.add(where + "/spares/" + std::to_string(k), quote(spare.name()), "a disk that is not one of /disks");
    }
  }
}

void checkAddresses(const Config& config, ErrorList& errors) {
  const auto& peers = config.proxy.peers;
  for (size_t i = 0; i < peers.size(); ++i) {
    const std::string listenAt = pointerTo(peers[i], "listen");
    const std::string addressAt = pointerTo(peers[i], "address");
    checkListen(peers[i], listenAt, errors);
    if (clash(peers[i].listen, config.admin.listen)) {
      errors.add(listenAt, quote(peers[i].listen.toString()),
                 "another address than /admin/listen, " + quote(config.admin.listen.toString()));
    }
    if (peers[i].listen.isUnix() && peers[i].onDead == proxy::OnDead::kRefuse) {
      errors.add(listenAt, quote(peers[i].listen.toString()),
                 "a TCP address, or on_dead \"respond\": a unix socket cannot refuse and listen again");
    }
    if (!peers[i].address.isUnix() && peers[i].address.port() == 0) {
      errors.add(addressAt, quote(peers[i].address.toString()), "a port from 1 to 65535");
    }
    for (size_t j = 0; j < peers.size(); ++j) {
      if (j < i && clash(peers[i].listen, peers[j].listen)) {
        errors.add(listenAt, quote(peers[i].listen.toString()),
                   "an address of its own: it clashes with " + pointerTo(peers[j], "listen") + ", " +
                       quote(peers[j].listen.toString()));
      }
      if (j < i && peers[i].address == peers[j].address) {
        errors.add(addressAt, quote(peers[i].address.toString()),
                   "an address of its own: " + pointerTo(peers[j], "") + " has it too");
      }
    }
  }
}

// A request to ourselves would be passed on as another one, and that one again.
void checkLoops(const Config& config, ErrorList& errors) {
  const OwnHosts own = OwnHosts::ofThisHost();
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    const auto check = [&](const SocketAddress& listen, const std::string& where) {
      if (peer.address.isName() || !leadsTo(peer.address.literal(), listen, own)) return;
      errors.add(
          pointerTo(peer, "address"), quote(peer.address.toString()),
          "the address of the remote node: this one leads to our own " + where + ", " + quote(listen.toString()));
    };
    for (const proxy::PeerOptions& other : config.proxy.peers) {
      if (other.listen.family() != AF_UNSPEC) check(other.listen, pointerTo(other, "listen"));
    }
    if (config.transparent.listen.family() != AF_UNSPEC) check(config.transparent.listen, "/transparent/listen");
    if (config.transparent.listen6.family() != AF_UNSPEC) check(config.transparent.listen6, "/transparent/listen6");
    check(config.admin.listen, "/admin/listen");
    if (config.admin.metricsListen.family() != AF_UNSPEC) check(config.admin.metricsListen, "/admin/metrics_listen");
    if (config.api.listen.family() != AF_UNSPEC) check(config.api.listen, "/api/listen");
  }
}

void checkMetricsListen(const Config& config, ErrorList& errors) {
  const SocketAddress& metrics = config.admin.metricsListen;
  const auto check = [&](const SocketAddress& other, const std::string& where) {
    if (!clash(metrics, other)) return;
    errors.add("/admin/metrics_listen", quote(metrics.toString()), "an address of its own: " + where + " has it too");
  };
  check(config.admin.listen, "/admin/listen");
  check(config.api.listen, "/api/listen");
  for (const proxy::PeerOptions& peer : config.proxy.peers)
    check(peer.listen, pointerTo(peer, "listen"));
}

void checkSource(const proxy::PeerOptions& peer, const Config& config, ErrorList& errors) {
  const std::string where = pointerTo(peer, "source_address");
  const int family = peer.address.literal().family();
  if (config.sources.count(where) == 0 || peer.source.family() == AF_UNSPEC) return;
  if (isWildcard(peer.source)) {
    errors.add(where, quote(peer.source.toString()), "an address of this host, or none: \"\"");
  } else if (!peer.address.isName() && family != peer.source.family()) {
    errors.add(where, quote(peer.source.toString()),
               peer.address.isUnix() ? "none: /address is a unix address" : "an address of the family of /address");
  }
}

void checkUpstream(const Config& config, ErrorList& errors) {
  if (config.upstreamSource.family() != AF_UNSPEC && isWildcard(config.upstreamSource)) {
    errors.add("/upstream/source_address", quote(config.upstreamSource.toString()),
               "an address of this host, or none: \"\"");
  }
  if (config.upstreamMark != 0 && config.guard.mark != config.upstreamMark) {
    errors.add("/upstream/mark", std::to_string(config.upstreamMark),
               "the value of /guard/mark, " + std::to_string(config.guard.mark) +
                   ", or leave that one out: our own sockets have one mark");
  }
  for (const proxy::PeerOptions& peer : config.proxy.peers)
    checkSource(peer, config, errors);
}

void checkDns(const Config& config, ErrorList& errors) {
  if (config.dns.maxTtl >= config.dns.minTtl) return;
  errors.add("/dns/max_ttl", quote(formatDuration(config.dns.maxTtl)),
             "at least /dns/min_ttl, " + quote(formatDuration(config.dns.minTtl)));
}

void checkAdmin(const Config& config, ErrorList& errors) {
  checkMetricsListen(config, errors);
  if (config.admin.allowRemote || config.admin.listen.isUnix() || config.admin.listen.isLoopback()) return;
  errors.add(
      "/admin/listen", quote(config.admin.listen.toString()),
      "a loopback or unix address, or admin.allow_remote: true (who reaches it reads everything; for a Prometheus "
      "elsewhere there is admin.metrics_listen)");
}

/// What keeps `path` from being run; empty: nothing.
std::string whyNotRun(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return std::strerror(errno);
  if (!S_ISREG(file.st_mode)) return "not a file";
  if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) != 0) return std::strerror(errno);
  return {};
}

void checkHooks(const Config& config, ErrorList& errors) {
  if (config.onTransition.command.empty()) return;
  const std::string& program = config.onTransition.command.front();
  const std::string where = "/hooks/on_transition/command/0";
  if (!program.starts_with('/')) {
    errors.add(where, quote(program), "an absolute path of a program: neither a shell nor PATH is asked");
  } else if (const std::string why = whyNotRun(program); !why.empty()) {
    errors.add(where, quote(program) + " (" + why + ")", "a program that may be run");
  }
}

void checkRoutes(const Config& config, ErrorList& errors) {
  std::map<std::string, size_t> names;
  const auto& routes = config.proxy.routes;
  for (size_t i = 0; i < routes.size(); ++i) {
    const auto [at, fresh] = names.emplace(routes[i].name, i);
    if (fresh) continue;
    const std::string other = "/routes/" + std::to_string(at->second);
    if (i + 1 == routes.size() && routes[i].name == "default") {
      errors.add(other + "/name", "\"default\"", "another name: the last route, which matches the rest, has it");
    } else {
      errors.add("/routes/" + std::to_string(i) + "/name", quote(routes[i].name),
                 "a name of its own: " + other + " has it too");
    }
  }
}

void checkProbe(const health::ProbeOptions& probe, const std::string& prefix, ErrorList& errors) {
  if (probe.suspectAfter < 2 * probe.interval) {
    errors.add(prefix + "/probe/suspect_after", quote(formatDuration(probe.suspectAfter)),
               "at least twice the interval, " + quote(formatDuration(2 * probe.interval)) +
                   ": one late answer is no silence");
  }
  if (probe.stallOpenAfter < probe.stallAfter) {
    errors.add(prefix + "/probe/stall_open_after", quote(formatDuration(probe.stallOpenAfter)),
               "at least stall_after, " + quote(formatDuration(probe.stallAfter)));
  }
}

void checkTimeouts(const Config& config, ErrorList& errors) {
  for (size_t i = 0; i < upstream::kTrafficClasses; ++i) {
    const upstream::ClassTimeouts& t = config.proxy.timeouts[i];
    const std::string prefix = std::string("/timeouts/") + toString(static_cast<upstream::TrafficClass>(i));
    if (t.minBytesPerSecond != 0 && t.stall == Duration::zero()) {
      errors.add(prefix + "/stall", "\"0s\"",
                 "a stall timeout: the deadline of a body is stall + size / min_bytes_per_second");
    }
  }
}

void checkTiming(const Config& config, ErrorList& errors) {
  const upstream::TimingOptions& timing = config.proxy.timing;
  if (timing.ceiling < timing.floor) {
    errors.add("/timing/ceiling", quote(formatDuration(timing.ceiling)),
               "at least the floor, " + quote(formatDuration(timing.floor)));
  }
}

bool sameProbe(const health::ProbeOptions& a, const health::ProbeOptions& b) {
  return a.interval == b.interval && a.suspectAfter == b.suspectAfter && a.stallAfter == b.stallAfter &&
         a.stallOpenAfter == b.stallOpenAfter;
}

void checkTls(const net::TlsClientOptions& up, const net::TlsServerOptions& down, const std::string& prefix,
              ErrorList& errors) {
  const std::string upstream = prefix + "/tls/upstream";
  const std::string downstream = prefix + "/tls/downstream";
  if (up.certificateFile.empty() && !up.keyFile.empty()) {
    errors.add(upstream + "/certificate_file", "\"\"", "the certificate of the key " + quote(up.keyFile));
  }
  const bool asks = down.clientCertificate != net::ClientCertificate::kNone;
  const std::string needs = !down.keyFile.empty()                ? "key_file"
                            : !down.sniCertificates.empty()      ? "sni_certificates"
                            : asks || !down.clientCaFile.empty() ? "client_certificate"
                                                                 : "";
  if (!down.enabled() && !needs.empty()) {
    errors.add(downstream + "/certificate_file", "\"\"", "a certificate: " + needs + " is of no use without one");
  }
  if (asks && down.clientCaFile.empty()) {
    errors.add(downstream + "/client_ca_file", "\"\"", "the authorities that clients' certificates are to come from");
  }
  if (!asks && !down.clientCaFile.empty()) {
    errors.add(downstream + "/client_certificate", "\"none\"",
               "\"optional\" or \"required\": client_ca_file is of no use otherwise");
  }
}

void checkGovernor(const Config& config, ErrorList& errors) {
  const upstream::GovernorOptions& governor = config.proxy.governor;
  if (governor.relearn >= 4 * governor.window) return;
  errors.add("/governor/relearn", formatDuration(governor.relearn),
             "at least four times /governor/window, " + formatDuration(governor.window));
}

}  // namespace

void validate(const Config& config, ErrorList& errors) {
  checkNames(config, errors);
  checkAddresses(config, errors);
  checkLoops(config, errors);
  checkUpstream(config, errors);
  checkDns(config, errors);
  checkAdmin(config, errors);
  checkApi(config, errors);
  checkErasureSets(config, errors);
  checkHooks(config, errors);
  checkGovernor(config, errors);
  checkGuard(config, errors);
  checkTransparent(config, errors);
  checkRoutes(config, errors);
  checkProbe(config.probe, "", errors);
  checkTls(config.tlsUpstream, config.tlsDownstream, "", errors);
  for (const proxy::PeerOptions& peer : config.proxy.peers) {
    if (peer.role == proxy::Role::kStore) continue;  // it has nothing of its own
    const std::string prefix = "/peers/" + std::to_string(slot(peer.id));
    const bool inherited = peer.tls == config.tlsUpstream && peer.tlsDownstream == config.tlsDownstream;
    if (!inherited) checkTls(peer.tls, peer.tlsDownstream, prefix, errors);
    // What a peer inherited was reported once.
    if (!sameProbe(peer.probe, config.probe)) checkProbe(peer.probe, prefix, errors);
  }
  checkTimeouts(config, errors);
  checkTiming(config, errors);
  checkLinks(config, errors);
}

}  // namespace peerpulse::config
