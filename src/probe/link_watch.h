// LinkWatch: the shell around LinkChoice for one peer that has a link: it hears what the peer's prober finds on the link, asks the
// peer's own addresses by bare connects while the link is down (one that answers is enough), and tries a lost link from scratch: TLS handshake and one PING, since a
// server of TLS 1.3 says only after the handshake that it does not take our certificate.
//
// Threading: the prober's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "fresh_connects.h"
#include "peerpulse/health/link_choice.h"
#include "peerpulse/health/probe_event.h"
#include "peerpulse/health/verdict.h"
#include "peerpulse/net/address_order.h"
#include "peerpulse/net/tls_transport.h"
#include "peerpulse/probe/prober.h"
#include "probe_session.h"

namespace peerpulse::probe {

class LinkWatch {
 public:
  /// `afresh`: a try of the link from scratch was answered: what probes it otherwise may have been on a wrong way.
  using OnChange = std::function<void(const health::LinkChange& change, bool afresh)>;

  /// How long a try of the link, and a connect to the own address, may take.
  static constexpr Duration kPatience = seconds(1);

  /// `link`: the peer with the link's address; outlives this. `own`: the peer's own ones, read anew
  /// each time; empty: nobody knows yet where its name leads. `onChange` is called from anywhere inside.
  LinkWatch(const ProberPeer& link, const net::AddressOrder& own, event::Dispatcher& dispatcher, wire::IoContext& io,
            OnChange onChange);
  ~LinkWatch();

  /// What the peer's prober met on the link, after its health has been told, and what that says now.
  void onProbe(const health::Event& event, health::Verdict verdict);

 private:
  void onTimer();
  void askDirect();
  void onDirect(const health::ConnectResult& result);
  void askLink();
  void onTrial(const health::Event& event);
  void endTrial();
  /// After each event: what changed is told, what is due is done.
  void settle(bool afresh);

  const ProberPeer& link_;
  event::Dispatcher& dispatcher_;
  wire::IoContext& io_;
  const OnChange onChange_;
  health::LinkChoice choice_;
  health::LinkState told_ = health::LinkState::kDown;
  int whyTold_ = 0;
  bool silent_ = false;  // the verdict on the link is dead
  const net::AddressOrder& own_;
  FreshConnects direct_;
  size_t directLeft_ = 0;                  // connects to the own addresses that are under way
  TimePoint directBy_ = TimePoint::max();  // while there are some
  std::optional<net::TlsConnector> tls_;
  std::unique_ptr<ProbeSession> trial_;
  uint32_t trials_ = 0;  // the epoch of the last one
  TimePoint trialBy_ = TimePoint::max();
  std::unique_ptr<event::Timer> timer_;
  TimePoint armedFor_ = TimePoint::max();
};

}  // namespace peerpulse::probe
