// Config: the whole configuration of the process, read from one JSON file (design section 7), checked, and
// turned into the Options structs of the modules. Values come, later ones overriding earlier ones, from
//   default -> preset -> profile -> file -> environment (RUSTFS_*, PEERPULSE_*)
// and each remembers which of them it came from.
//
// Threading: a value; immutable after load().
// Errors: load() finds all errors, not just the first; each names the JSON pointer (or the variable), what
// was
//   found and what was expected. No partly filled Config ever leaves it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"
#include "peerpulse/dns/options.h"
#include "peerpulse/fanout/options.h"
#include "peerpulse/guard/options.h"
#include "peerpulse/health/probe_options.h"
#include "peerpulse/hooks/options.h"
#include "peerpulse/log/log.h"
#include "peerpulse/proxy/options.h"
#include "peerpulse/stats/peer_detail.h"
#include "peerpulse/transparent/options.h"

namespace peerpulse::config {

/// Defaults of probing (health::ProbeOptions::lan() and so on).
enum class Profile : uint8_t { kLan, kFast, kWan };
/// "lan", "fast", "wan".
const char* toString(Profile profile);

struct AdminOptions {
  SocketAddress listen;      ///< 127.0.0.1:9901
  bool allowRemote = false;  ///< whether `listen` may be other than loopback or unix
  /// Family AF_UNSPEC: none. May be remote: /metrics, /livez and /readyz, to read.
  SocketAddress metricsListen;
  std::string tokenFile;  ///< empty: none
};

/// The links between this node's peerpulse and those of other nodes: TLS with one certificate of this node at either end, and
/// one authority for all of them.
struct LinkOptions {
  SocketAddress listen;  ///< family AF_UNSPEC: nobody comes in
  SocketAddress store;   ///< what those are carried to who come in: this node's own store
  std::string name = "store";
  upstream::Protocol protocol = upstream::Protocol::kAuto;  ///< the store's
  /// Of peers that do not set their own.
  upstream::LinkMode mode = upstream::LinkMode::kOff;
  uint32_t port = 9443;
  Duration retry = seconds(10);
  std::string certificateFile;  ///< with its chain
  std::string keyFile;          ///< of it; empty: in the same file
  std::string caFile;
  net::TlsVerify verify = net::TlsVerify::kFull;  ///< of a peer's certificate
  net::TlsVersion minVersion = net::TlsVersion::kTls13;

  bool serves() const { return listen.family() != AF_UNSPEC; }
};

/// One variable (PEERPULSE_*, RUSTFS_*) that was set, and the keys it set (none: no key of this version uses it).
struct EnvironmentOverride {
  std::string name;
  std::string value;
  std::vector<std::string> pointers;
};

/// What works, and is most likely not meant.
struct Warning {
  std::string where;  ///< a JSON pointer, or "environment NAME"
  std::string text;
};

struct Config {
  Config();

  std::string node;  ///< this host's name among the nodes; default: the host's name
  std::string zone;  ///< this node's, as the peers have theirs
  uint32_t workers = 2;
  Duration drainTimeout = seconds(10);
  std::string drainRecord;  ///< a file; empty: where systemd gives a directory, else none
  proxy::Preset preset = proxy::Preset::kGeneric;
  /// Of peers that do not set their own: on_dead, profile, probe and tls.
  proxy::OnDead onDead = proxy::OnDead::kRespond;
  Profile profile = Profile::kLan;
  health::ProbeOptions probe;
  net::TlsClientOptions tlsUpstream;
  net::TlsServerOptions tlsDownstream;

  LinkOptions link;

  AdminOptions admin;
  stats::PeerDetail metricsDetail = stats::PeerDetail::kAuto;
  fanout::Options api;
  hooks::Options onTransition;
  log::Options log;
  guard::Options guard;
  dns::Options dns;
  /// SO_MARK of the sockets to peers, probes included; 0: that of the guard while it is active, else none.
  uint32_t upstreamMark = 0;
  /// Of peers that do not set their own: what their connections come from.
  SocketAddress upstreamSource;
  transparent::Options transparent;
  /// peers[i].id == PeerId(i); at least one peer; the last one is the own store (proxy::Role::kStore) if `link` serves it.
  /// The last route matches everything.
  proxy::ProxyOptions proxy;

  /// JSON pointer of a key -> "preset rustfs", "profile fast", "file", "env RUSTFS_..."; absent: "default".
  std::map<std::string, std::string> sources;
  /// Profile of each peer, by PeerId.
  std::vector<Profile> peerProfiles;
  std::vector<EnvironmentOverride> environment;
  std::vector<Warning> warnings;
};

using Environment = std::map<std::string, std::string>;

/// The PEERPULSE_* and RUSTFS_* variables of this process.
Environment processEnvironment();

/// Reads, checks and completes the configuration. The error's message has one line per error.
Result<Config> load(const std::string& path, const Environment& environment);
/// As load(), of JSON text; `name` stands for it in errors.
Result<Config> parse(std::string_view text, const std::string& name, const Environment& environment);

/// Takes out of `addresses`, what the name of a peer leads to, those that lead to a listener of this configuration: what is sent
/// there would come back. Asks the kernel for this host's addresses.
void removeOwnListeners(const Config& config, std::vector<SocketAddress>& addresses);
/// Whether it is an address of this host. Asks the kernel.
bool isOwnAddress(const SocketAddress& address);

/// What `peerpulse check` says of names: which peers have one, and who is asked for it. One line each.
std::vector<std::string> nameNotes(const Config& config);

/// The JSON pointer of a peer's key ("listen", "address", "tls/upstream"; "": its own); of the own store's that of /link.
std::string pointerTo(const proxy::PeerOptions& peer, const std::string& key);

/// What the guard is to one peer.
struct GuardRole {
  bool guarded = false;
  const char* why =
      "";  ///< why it is not: "mode proxy", "a unix address", "an own address: it cannot lose power alone"
};
/// By PeerId. Asks the kernel for this host's addresses.
std::vector<GuardRole> guardRoles(const Config& config);
/// What `peerpulse check` says of the guard: whom it is meant for, what it needs, and what keeps it from acting. One line
/// each.
std::vector<std::string> guardNotes(const Config& config);

/// What `peerpulse check` says of transparent mode: whose connects are turned, and what that needs. One line each; none: it
/// is not used.
std::vector<std::string> transparentNotes(const Config& config);

/// What `peerpulse check` says of the links between sidecars: who comes in, and whom they lead to. One line each; none without
/// links.
std::vector<std::string> linkNotes(const Config& config);

/// Every key with its value and source, nested as the file is:
///   {"pool":{"idle_timeout":{"value":"30s","source":"default"},...},"peers":[{...}],...}
std::string effectiveJson(const Config& config);

/// Every key load() knows, as JSON pointers with "*" for array indexes ("/peers/*/probe/interval"), sorted.
std::vector<std::string> knownKeys();

}  // namespace peerpulse::config
