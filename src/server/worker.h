// Worker: one thread with an event loop, and on it one PeerProxy per peer. A connection never leaves its worker.
//
// Threading: constructed, started and stopped by the main thread; circuitChanged() and drain() from any thread.
// Ownership: owns its dispatcher, thread and proxies; listen sockets and shared state outlive it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "peerpulse/event/dispatcher.h"
#include "peerpulse/net/listener.h"
#include "peerpulse/proxy/peer_proxy.h"
#include "peerpulse/proxy/worker_context.h"

namespace peerpulse::server {

class Worker {
 public:
  /// `sockets` by PeerId. `loop` is this worker's row in Stats.
  Worker(uint32_t number, const proxy::SharedState& shared, const std::vector<net::ListenSocket*>& sockets,
         size_t loop);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  /// The peer's word in the circuit table changed, by what was decided at `at`.
  void circuitChanged(PeerId peer, TimePoint at);
  /// Ends idle connections and waits for the others; `onDrained` is called once, on the worker's thread.
  void drain(std::function<void()> onDrained);
  /// Cuts off what is left and joins the thread.
  void stop();

 private:
  void run();
  void onTick();
  bool drained() const;

  uint32_t number_;
  const proxy::SharedState& shared_;
  const std::vector<net::ListenSocket*>& sockets_;
  stats::LoopStats& loopStats_;
  event::Dispatcher dispatcher_;
  // Made and destroyed on the worker's thread.
  std::optional<proxy::WorkerContext> context_;
  std::vector<std::unique_ptr<proxy::PeerProxy>> peers_;
  std::unique_ptr<event::Timer> tick_;
  std::function<void()> onDrained_;
  std::thread thread_;
};

}  // namespace peerpulse::server
