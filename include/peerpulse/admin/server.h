// Server: the admin listener (design section 8): health, peers, cluster, events, metrics, configuration,
// operator overrides and the dashboard page, over HTTP/1.1 and HTTP/2.
//
// Threading: the thread of the dispatcher it is given; only EventLog::add() comes from elsewhere.
// Ownership: owns its socket and connections. What Sources refers to must outlive it. Destroy it on the
//   dispatcher's thread or after run() returned.
// Bounds: connections, request bodies, live event subscribers and their backlog, requests that wait for a change; an idle
// connection is closed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "peerpulse/admin/event_log.h"
#include "peerpulse/base/address.h"
#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/health/probe_event.h"
#include "peerpulse/proxy/memory_limit.h"
#include "peerpulse/proxy/snapshot.h"
#include "peerpulse/stats/registry.h"
#include "peerpulse/stats/stats.h"

namespace peerpulse::admin {

/// What is known of the guard once and for all; the rest is in Stats.
struct GuardView {
  bool active = false;                  ///< false: it guards nobody
  std::string table;                    ///< of nftables; empty: there is none
  std::string missing;                  ///< what it would need; active, too: connects are not refused
  std::vector<std::string> notGuarded;  ///< by PeerId: why this peer is not meant to be; empty: it is
};

/// What a peer's name leads to.
struct NameView {
  std::string name;
  std::string state;  ///< "unknown", "good", "stale", "failed"
  bool answered = false;
  std::vector<std::string> addresses;
  uint64_t unused = 0;              ///< addresses that were given beyond these
  std::string error;                ///< of the last round of questions; empty: it gave an address
  std::string details;              ///< the same for people
  std::optional<Duration> goodAge;  ///< how long ago DNS last gave an address
};

/// What is known of transparent mode once and for all; the rest is in Stats.
struct TransparentView {
  bool active = false;                 ///< false: nobody's connects are turned
  std::string table;                   ///< of nftables; empty: there is none
  std::string missing;                 ///< what it would need
  std::vector<std::string> listeners;  ///< where connects are turned to
};

/// What the admin reads and whom it asks. Functions marked optional may be empty.
struct Sources {
  std::string node;
  std::string zone;  ///< the node's own
  std::string version;
  /// The configuration of now; each answer is of one snapshot.
  std::function<proxy::SnapshotRef()> snapshot;
  const health::CircuitTable* circuits = nullptr;
  const stats::Stats* stats = nullptr;
  stats::AdminStats* own = nullptr;  ///< of `stats`: written by the admin
  EventLog* events = nullptr;
  GuardView guard;
  /// Nothing for a peer whose address is a literal; optional.
  std::function<std::optional<NameView>(PeerId)> name;
  TransparentView transparent;
  /// The body of /config.
  std::string effectiveConfig;
  /// What is not ready, beside peers without a first verdict ("listener node2 is not bound"); optional.
  std::function<std::vector<std::string>()> notReady;
  /// The state of this host itself ("ok", "lagging", "suspect", "link_down"); optional: "ok". A prober that stopped
  /// beating is told by the circuit table and goes before it.
  std::function<std::string()> localHealth;
  /// Carries out an operator's override; already checked and logged.
  std::function<void(PeerId, const health::CircuitOverride&, const std::string& why)> overrideCircuit;
  /// Lets callers of other hosts change things; empty: they may not.
  std::string token;
  /// Optional.
  std::function<uint64_t()> logLines;
  std::function<uint64_t()> logDropped;
  /// How much of /metrics is told by peer.
  stats::PeerDetail metricsDetail = stats::PeerDetail::kAuto;
  /// Of /metrics; optional.
  std::function<std::vector<stats::OwnLimit>()> limits;
  std::function<stats::ProcessUsage()> usage;
  /// `limits.memory`; null: there is none.
  const proxy::MemoryLimit* memory = nullptr;
  /// Whether a client's descriptor, just accepted, may be kept beside so many connections; optional: it may.
  std::function<bool(int fd, size_t connections)> mayKeep;
};

class Server {
 public:
  static constexpr size_t kMaxConnections = 128;

  Server(event::Dispatcher& dispatcher, Sources sources);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds and starts to serve. At most once.
  Result<void> listen(const SocketAddress& address);
  /// Binds another one that shows /metrics, /livez and /readyz only. After listen(), at most once.
  Result<void> listenForMetrics(const SocketAddress& address);
  /// The process is about to end: who waits for a change is told so, also from now on. Everything else is answered as
  /// before, until the end.
  void drain();
  /// The bound address (the system's choice for port 0). Requires a successful listen().
  const SocketAddress& address() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace peerpulse::admin
