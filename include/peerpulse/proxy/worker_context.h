// WorkerContext: what everything on one worker shares, and the worker's peers.
//
// Threading: one per worker thread; only what SharedState names is shared between threads, and that says how.
#pragma once

#include <memory>
#include <string_view>

#include "peerpulse/event/scheduler.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/health/outcome.h"
#include "peerpulse/health/trial_permits.h"
#include "peerpulse/proxy/memory_limit.h"
#include "peerpulse/proxy/snapshot.h"
#include "peerpulse/stats/stats.h"
#include "peerpulse/upstream/peers.h"
#include "peerpulse/wire/io_context.h"

namespace peerpulse::proxy {

/// What the workers share with the rest of the process.
struct SharedState {
  health::CircuitTable& table;
  health::TrialPermits& trials;
  stats::Stats& stats;
  health::OutcomeSink& outcomes;
  /// What Via says of this process (http/via.h); empty: nothing. Lives as long as the workers.
  std::string_view pseudonym = {};
  /// The same of requests that came by a link, to this node's own store: one that the store passes on to another node, Via and
  /// all, is no loop.
  std::string_view storePseudonym = {};
  /// Null: none. Lives as long as the workers.
  const MemoryLimit* memory = nullptr;
};

class GovernorLog;

class WorkerContext {
 public:
  WorkerContext(event::Scheduler& scheduler, net::Connector& connector, const SharedState& shared,
                SnapshotRef snapshot, uint32_t seed);
  ~WorkerContext();

  /// From now on, for new exchanges and connections.
  void apply(SnapshotRef snapshot);

  TimePoint now() const { return scheduler.now(); }
  /// What clients' timers count in: time in which the loop did not look at them is not theirs.
  TimePoint loopTime() const { return upstream.deadlineNow(); }
  const ProxyOptions& options() const { return snapshot->options; }
  Pressure pressure() const { return shared.memory != nullptr ? shared.memory->pressure() : Pressure::kNone; }

  event::Scheduler& scheduler;
  const SharedState shared;
  SnapshotRef snapshot;
  wire::IoContext io;
  http::CodecLimits limits;  ///< of downstream codecs
  std::unique_ptr<GovernorLog> governorLog;
  upstream::Context upstream;
  upstream::LoopWatch loopWatch;
  upstream::Peers peers;
};

}  // namespace peerpulse::proxy
