// Prober: the thread that probes all peers and is the only writer of the circuit table. It is the shell
// around health/: sockets, timers and threads here, every decision there.
//
//   PING, connect --> peer          worker --OutcomeRecord--> inbox --+
//   ACK, RST, ... --> Event ------------------------------------------+--> PeerHealth --> Actions
//                                                                           |  Publish --> CircuitTable
//                                                                           +- Report  --> ProberCallbacks
//                                                                           +- Warn    -->
//
// Threading: construct, start() and stop() on one thread; overrideCircuit() and outcomes().record() on any;
//   callbacks come on the prober's own.
// Ownership: the table, the callbacks and every ProbeStats must outlive it, and it must outlive the workers
//   that hold outcomes().
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "peerpulse/base/address_set.h"
#include "peerpulse/base/endpoint.h"
#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/result.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/health/link_choice.h"
#include "peerpulse/health/local_health.h"
#include "peerpulse/health/outcome.h"
#include "peerpulse/health/probe_event.h"
#include "peerpulse/health/probe_options.h"
#include "peerpulse/health/rung_change.h"
#include "peerpulse/health/transition.h"
#include "peerpulse/health/trend.h"
#include "peerpulse/net/address_order.h"
#include "peerpulse/net/plain_transport.h"
#include "peerpulse/net/tls_context.h"
#include "peerpulse/stats/peer_stats.h"
#include "peerpulse/wire/io_context.h"

namespace peerpulse::probe {

class EchoSockets;
class OutcomeInbox;
class LinkWatch;
class LocalWatch;
class PeerProber;

/// The link to the peerpulse beside a peer: probed instead of the peer's own address, unless that is what is left.
struct ProberLink {
  SocketAddress address;
  net::TlsSlotRef tls;
  std::string serverName;
  bool mayFallBack = false;
  Duration retry{};
};

/// `id` is the peer's place in the list given to Prober.
struct ProberPeer {
  PeerId id{};
  std::string name;
  /// A name is probed once setAddresses() has said where it leads; until then it has no verdict.
  Endpoint address;
  health::ProbeOptions options;
  stats::ProbeStats* stats = nullptr;
  /// Of the sockets to it (net::setMark()).
  uint32_t mark = 0;
  /// Null: plain text. `serverName`: what its certificate must name; empty: the address that is
  /// connected to.
  net::TlsSlotRef tls{};
  std::string serverName{};
  /// What they come from, the link's as well (net::bindSource()).
  SocketAddress source{};
  std::optional<ProberLink> link{};
  /// On this very host: its silence says nothing of the network. After all others.
  bool own = false;
};

class ProberCallbacks {
 public:
  virtual ~ProberCallbacks() = default;
  /// A verdict or a circuit changed; the table shows it already. On the prober's thread: must be quick.
  virtual void onTransition(const health::Transition& transition) = 0;
  /// A peer gets worse, before anything else changed.
  virtual void onDegrading(const health::Degrading& warning) {}
  /// A peer is probed in another way than before.
  virtual void onRungs(const health::RungChange& change) {}
  /// CircuitTable::owing() of the peer changed. On the prober's thread: must be quick.
  virtual void onOwing(PeerId peer) {}
  /// The peer's link is there, or is not any more; CircuitTable::direct() says so already. On the prober's thread: must be quick.
  virtual void onLink(const health::LinkChange& change) {}
  /// The prober had stopped beating for so long that workers ignored open circuits (CircuitTable::kBeatTimeout), and is
  /// back: its words count again, and whoever went past one meanwhile must hear of it.
  virtual void onReturned() {}
  /// This host's own state changed.
  virtual void onLocalHealth(health::LocalState from, health::LocalState to, const health::LocalEvidence& evidence) {}
};

class Prober {
 public:
  /// The seed spreads probes and attempts of many probers over time.
  Prober(std::vector<ProberPeer> peers, health::CircuitTable& table, ProberCallbacks& callbacks, uint32_t jitterSeed);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  /// Returns once the thread probes.
  void start();
  /// Returns once the thread has ended. A stopped prober cannot be started again.
  void stop();

  /// Whether start() could give the thread precedence (kNice); it works without, but is late more often on a busy
  /// host. Needs CAP_SYS_NICE or RLIMIT_NICE.
  const Result<void>& precedence() const { return precedence_; }
  /// Whether ICMP echoes can be sent, where a peer's options want them; without them peers that cannot be sent a PING every T
  /// get a TCP connect instead. Needs net.ipv4.ping_group_range or CAP_NET_RAW.
  const Result<void>& echoes() const { return echoStatus_; }

  /// Where workers report the outcomes of exchanges.
  health::OutcomeSink& outcomes();
  /// An operator's word; `ttl` zero: until lifted by kAuto.
  void overrideCircuit(PeerId peer, health::CircuitOverride::Kind state, Duration ttl);

  /// Where the peer's name leads from now on: what was learnt of it stays, and connections to addresses that have gone are
  /// moved. Any thread.
  void setAddresses(PeerId peer, AddressSetRef addresses);

  /// The most that the loop was late at a heartbeat since the last call. One caller; any thread.
  Duration takeLoopLag() { return Duration(loopLag_.exchange(0, std::memory_order_relaxed)); }
  /// What LocalHealth says of this host; any thread.
  health::LocalState localState() const;

  /// The loop's heartbeat: CircuitTable::beat(), and outcomes that are not urgent are taken in.
  static constexpr Duration kBeatInterval = milliseconds(20);
  /// Failed exchanges are taken in at once, but not more often than this.
  static constexpr Duration kMinDrainInterval = milliseconds(1);
  /// How old a peer's statistics that are too dear for every PING may be.
  static constexpr Duration kStatsInterval = seconds(1);
  /// Its work is little and must not wait for anybody's: not even for the workers.
  static constexpr int kNice = -15;
  /// Peers whose PINGs go out together.
  static constexpr size_t kPeersPerPhase = 16;

 private:
  void runThread(std::function<void()> onRunning);
  Duration phaseOf(const ProberPeer& peer) const;
  void beat(Duration lag);
  void drainSoon();
  void drainInbox();
  void openEchoSockets();
  void feed(uint32_t slot, const health::Event& event);
  void watchLink(uint32_t slot);
  bool linked(uint32_t slot) const;
  void begin(uint32_t slot);
  void moveDirect(uint32_t slot, const AddressSet& addresses);
  void onLink(const health::LinkChange& change, bool afresh);
  void renewPeer(uint32_t slot);

  const std::vector<ProberPeer> configured_;
  const std::vector<ProberPeer> linked_;  // the same; those with a link as they are by it
  health::CircuitTable& table_;
  ProberCallbacks& callbacks_;
  uint32_t jitterSeed_;
  std::unique_ptr<OutcomeInbox> inbox_;
  std::unique_ptr<LocalWatch> watch_;
  std::atomic<Duration::rep> loopLag_{0};

  // On the prober's thread.
  event::Dispatcher dispatcher_;
  net::PlainConnector connector_;
  wire::IoContext io_{dispatcher_, connector_};
  std::unique_ptr<EchoSockets> echoes_;
  std::vector<net::AddressOrder> direct_;  // by slot: where the peers' own addresses lead; empty: not known yet
  std::vector<std::unique_ptr<LinkWatch>> links_;   // by slot; null: no link. Before the peers, which tell them
  std::vector<std::unique_ptr<PeerProber>> peers_;  // by slot; null: nobody knows where it is yet
  std::vector<std::optional<health::CircuitOverride>> awaited_;  // by slot: an operator's word for one of these
  std::unique_ptr<event::Timer> drainTimer_;
  TimePoint lastDrain_;
  size_t nextStats_ = 0;
  Duration statsOwed_{};  // one kStatsInterval for each peer whose statistics are due

  std::thread thread_;
  Result<void> precedence_;  // written before start() returns, as is
  Result<void> echoStatus_;
  bool stopped_ = false;
};

}  // namespace peerpulse::probe
