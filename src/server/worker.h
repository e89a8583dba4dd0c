// Worker: one thread with an event loop, and on it its share of every peer and of every listener. A connection never
// leaves its worker.
//
// Threading: constructed, started and stopped by the main thread; circuitChanged() and drain() from any thread.
// Ownership: owns its dispatcher, thread, peers and listeners; listen sockets and shared state outlive it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "peerpulse/event/dispatcher.h"
#include "peerpulse/fanout/api.h"
#include "peerpulse/log/occasional.h"
#include "peerpulse/net/descriptor_shares.h"
#include "peerpulse/net/listener.h"
#include "peerpulse/net/plain_transport.h"
#include "peerpulse/net/tls_transport.h"
#include "peerpulse/proxy/listener.h"
#include "peerpulse/proxy/snapshot.h"
#include "peerpulse/proxy/worker_context.h"
#include "transparent_mode.h"

namespace peerpulse::server {

/// The fan-out API, as the workers share it; all of it outlives them.
struct SharedApi {
  net::ListenSocket* socket = nullptr;  ///< null: there is none
  const fanout::Options* options = nullptr;
  fanout::Budget* budget = nullptr;
};

class Worker {
 public:
  /// `sockets` by PeerId; null for a peer without a listener. `loop` is this worker's row in Stats. `mark` is that of the
  /// sockets to peers (net::setMark()).
  Worker(uint32_t number, const proxy::SharedState& shared, proxy::SnapshotRef snapshot,
         const std::vector<net::ListenSocket*>& sockets, const SharedApi& api, SharedTransparent transparent,
         const net::DescriptorShares& descriptors, size_t loop, uint32_t mark);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  /// The peer's word in the circuit table changed, by what was decided at `at`. Harmless if the peer is gone by then.
  void circuitChanged(PeerId peer, TimePoint at);
  /// CircuitTable::owing() of the peer changed. As circuitChanged().
  void owingChanged(PeerId peer);
  /// The peer's name leads there now. As circuitChanged().
  void addressesChanged(PeerId peer, AddressSetRef addresses);
  /// It leads nowhere: who waits for an address fails by `failure`.
  void addressesFailed(PeerId peer, upstream::Failure failure);
  /// CircuitTable::direct() of the peer changed. As circuitChanged().
  void linkChanged(PeerId peer);
  /// Ends idle connections and waits for the others; `onDrained` is called once, on the worker's thread.
  void drain(std::function<void()> onDrained);
  /// Cuts off what is left and joins the thread.
  void stop();
  /// When its loop last turned; any thread. Every kLagInterval, if it is well.
  TimePoint lastBeat() const { return TimePoint(Duration(beat_.load(std::memory_order_relaxed))); }

 private:
  /// What accepts from a listening socket here, and where that goes. No acceptor: clients come by the transparent listener
  /// alone.
  struct Port {
    std::unique_ptr<proxy::Listener> listener;
    std::unique_ptr<net::Acceptor> acceptor;
  };

  void run();
  void openPort(const proxy::PeerOptions& peer);
  void openApi();
  void openTransparent();
  void onAccept(proxy::Listener& listener, const net::TlsContextSlot* tls, Fd fd);
  /// Null: its clients speak plain text.
  const net::TlsContextSlot* tlsOf(PeerId peer) const;
  proxy::Listener* listenerOf(const SocketAddress& destination) const;
  void onTransparent(Fd fd);
  void turnAwayUnknown(const Result<SocketAddress>& meant);
  void onAcceptPause(proxy::Listener& listener, int error);
  void tellAcceptPause(const std::string& of, int error);
  void onCircuitChange(PeerId peer, TimePoint at);
  void onTick();
  void onBeat(Duration lag);
  void startDrain();
  bool drained() const;

  uint32_t number_;
  const proxy::SharedState shared_;
  const proxy::SnapshotRef first_;
  const std::vector<net::ListenSocket*>& sockets_;
  const SharedApi sharedApi_;
  const SharedTransparent transparent_;
  const net::DescriptorShares& descriptors_;
  stats::LoopStats& loopStats_;
  event::Dispatcher dispatcher_;
  net::PlainConnector connector_;
  // Made and destroyed on the worker's thread.
  std::optional<proxy::WorkerContext> context_;
  std::vector<Port> ports_;
  std::optional<fanout::Api> api_;
  std::unique_ptr<net::Acceptor> apiAcceptor_;
  std::vector<std::unique_ptr<net::Acceptor>> transparentAcceptors_;
  std::unique_ptr<event::Timer> tick_;
  std::function<void()> onDrained_;
  log::Occasional pauseTold_;
  log::Occasional unknownTold_;
  std::atomic<int64_t> beat_;  // TimePoint as a number
  std::thread thread_;
};

}  // namespace peerpulse::server
