// PeerProber: one peer's PeerHealth with the sockets and the timer it asks for. It feeds events in, one at a
// time, and carries the actions out; it decides nothing.
//
// Threading: the prober's thread.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "echo_sockets.h"
#include "fresh_connects.h"
#include "local_watch.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/health/peer_health.h"
#include "peerpulse/net/tls_transport.h"
#include "peerpulse/probe/prober.h"
#include "probe_session.h"

namespace peerpulse::probe {

class LinkWatch;

class PeerProber {
 public:
  /// `addresses`: at least one. `link`: null unless the peer is probed by its link; is told of all events.
  PeerProber(const ProberPeer& peer, const net::AddressOrder& addresses, event::Dispatcher& dispatcher,
             wire::IoContext& io, health::CircuitTable& table, ProberCallbacks& callbacks, LocalWatch& watch,
             EchoSockets& echoes, uint32_t jitterSeed, Duration phase, LinkWatch* link = nullptr);
  ~PeerProber();

  /// Gives the event to the peer's health now (or, from inside one of its actions, right after them).
  void feed(const health::Event& event);
  /// Where the peer's own address leads from now on. A probe connection to one that has gone is moved; one by its link is left alone.
  void setAddresses(const AddressSet& addresses);
  /// An operator's word that holds at `now`, with the time that is left of it.
  std::optional<health::CircuitOverride> standingOverride(TimePoint now) const;
  /// Statistics that are too dear for every PING.
  void refreshStats();

 private:
  void handle(const health::Event& event);
  void onTimer();
  void arm();
  bool readable();
  health::Tick tick(TimePoint now);

  void apply(const health::Action& action);
  void run(const health::OpenConnection& action);
  void run(const health::CloseConnection& action);
  void run(const health::SendPing& action);
  void run(const health::SendRequest& action);
  void run(const health::DrawAck& action);
  void run(const health::SendEcho& action);
  void run(const health::StartConnects& action);
  void run(const health::StopConnects& action);
  void run(const health::Publish& action);
  void run(const health::Report& action);
  void run(const health::ReportRungs& action);
  void run(const health::Warn& action);
  void showScore();
  void showOwing();
  /// What the shell itself does about an event: statistics, and letting go of an ended session.
  void prepare(const health::Event& event);
  void count(const health::Event& event);
  void dropSession(ProbeSession::Leave leave);
  net::Connector& connectorFor(health::ConnectionKind kind);
  /// Not from inside feed().
  void moveSession();
  void inUse(const SocketAddress& address);
  IcmpEcho* echo() const { return usesEcho_ ? echoes_.of(slot(peer_.id)) : nullptr; }
  void onConnectResult(health::ConnectResult result, const SocketAddress& asked);
  bool allRefuse(const SocketAddress& asked);

  const ProberPeer& peer_;
  event::Dispatcher& dispatcher_;
  wire::IoContext& io_;
  health::CircuitTable& table_;
  ProberCallbacks& callbacks_;
  LocalWatch& watch_;
  EchoSockets& echoes_;
  LinkWatch* const link_;
  net::AddressOrder addresses_;  // the one in use first
  std::vector<SocketAddress>
      refused_;           // of several, those that answered a connect by RST since the last that did not
  SocketAddress echoAt_;  // the one in use
  const bool usesEcho_;
  stats::ProbeStats& stats_;

  const TimePoint started_;
  health::PeerHealth health_;
  health::PeerProtocol protocol_ = health::PeerProtocol::kUnknown;  // as the workers know it
  bool owing_ = false;                                              // the same
  FreshConnects connects_;
  std::array<std::optional<net::TlsConnector>, 2> tls_;  // by ConnectionKind; none: plain text
  std::unique_ptr<ProbeSession> session_;
  SocketAddress sessionAt_;    // where it leads, once connected
  bool opening_ = false;       // the last one that was opened has not connected
  uint64_t unanswered_ = 0;    // PINGs of the session
  std::string requestPath_;    // what the process is asked for; empty: OPTIONS *
  bool requestWaits_ = false;  // for its answer, on the session
  std::unique_ptr<event::Timer> timer_;
  TimePoint armedFor_;
  bool drained_ = false;  // this judgement was put off once, to read what had arrived

  health::CircuitOverride override_;  // the last one
  TimePoint overriddenAt_;
  std::deque<health::Event> events_;
  bool feeding_ = false;
  std::vector<pollfd> pollFds_;
};

}  // namespace peerpulse::probe
