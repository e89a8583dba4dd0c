// OwnHost: peerpulse itself, all but its prober: one or two workers with the real peers, pools, requests, listeners and
// downstream connections on loops of their own, and the gates of the peers' listening sockets, carried out as
// server/ does: at once on the prober's thread when a word changes, every 100 ms by the main thread.
//
// Threading: one thread. Ownership: owns the workers, and these their shares of everything.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "direct_caller.h"
#include "fanout_setup.h"
#include "memory_listener.h"
#include "memory_network.h"
#include "memory_transport.h"
#include "peerpulse/fanout/api.h"
#include "peerpulse/proxy/listener.h"
#include "peerpulse/proxy/worker_context.h"
#include "virtual_scheduler.h"

namespace peerpulse::sim {

/// What the workers share of the fan-out API.
struct SharedApi {
  SharedApi(test::MemoryNetwork& network, test::HostId host, const fanout::Options& given)
      : options(given), budget(options), socket(network, host, *SocketAddress::parse("10.0.0.1:9902")) {}
  const fanout::Options options;
  fanout::Budget budget;
  test::MemoryListener socket;
};

/// One worker, as server::Worker is: what it does every second, how it drains.
class SimWorker {
 public:
  SimWorker(test::VirtualTime& time, test::MemoryNetwork& network, test::HostId host,
            const proxy::SharedState& shared, const proxy::SnapshotRef& snapshot,
            const std::vector<std::unique_ptr<test::MemoryListener>>& sockets, SharedApi* api, uint32_t number);
  ~SimWorker();

  void circuitChanged(PeerId peer, TimePoint at);
  /// Takes what waits in the listeners' queues, now.
  void acceptQueued();
  void drain();
  /// Of the API: as at the end of the time that a drain may take.
  void abortOperations();
  bool operationsOver() const { return !api_ || api_->drained(); }

  test::VirtualScheduler& loop() { return loop_; }
  proxy::WorkerContext& context() { return *context_; }
  upstream::Peer& peer(uint32_t peer) { return *context_->peers.find(PeerId{peer}); }
  proxy::Listener& listener(uint32_t peer) { return *listeners_[peer]; }

 private:
  void onTick();

  test::VirtualScheduler loop_;
  test::MemoryConnector connector_;
  std::optional<proxy::WorkerContext> context_;
  std::vector<std::unique_ptr<proxy::Listener>> listeners_;
  std::vector<std::unique_ptr<test::MemoryAcceptor>> acceptors_;
  std::optional<fanout::Api> api_;
  std::unique_ptr<test::MemoryAcceptor> apiAcceptor_;
  std::unique_ptr<event::Timer> tick_;
  bool draining_ = false;
};

class OwnHost {
 public:
  OwnHost(test::VirtualTime& time, test::MemoryNetwork& network, test::HostId host, const proxy::SharedState& shared,
          const proxy::ProxyOptions& options, const FanoutSetup& fanout, uint32_t workers);

  /// As server::Server::onReturned().
  void proberReturned();
  /// A peer's word in the table changed, as the prober decided at `at`.
  void circuitChanged(PeerId peer, TimePoint at);
  void drain();
  bool draining() const { return draining_; }
  // Of the fan-out API, where there is one.
  void abortOperations();
  bool operationsOver() const;
  const fanout::Budget& budget() const { return api_->budget; }
  const SocketAddress& apiAddress() const { return api_->socket.address(); }

  /// The process stands still.
  void block(TimePoint until);
  bool blocked() const { return main_.blocked(); }

  std::vector<std::unique_ptr<SimWorker>>& workers() { return workers_; }
  const test::MemoryListener& socket(uint32_t peer) const { return *sockets_[peer]; }
  const proxy::ProxyOptions& options() const { return snapshot_->options; }
  test::HostId host() const { return host_; }

  static constexpr Duration kFollow = milliseconds(100);

 private:
  bool settleGate(uint32_t peer);
  void follow();

  const proxy::SharedState shared_;
  const test::HostId host_;
  test::VirtualScheduler main_;
  proxy::SnapshotRef snapshot_;
  std::vector<std::unique_ptr<test::MemoryListener>> sockets_;
  std::unique_ptr<SharedApi> api_;
  std::vector<std::unique_ptr<SimWorker>> workers_;
  std::unique_ptr<event::Timer> followTimer_;
  bool draining_ = false;
};

}  // namespace peerpulse::sim
