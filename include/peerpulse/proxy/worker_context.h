// WorkerContext: what everything on one worker shares.
//
// Threading: one per worker thread; only `table`, `trials`, `stats` and `outcomes` are shared between threads,
//   and they say how.
#pragma once

#include <random>

#include "peerpulse/event/dispatcher.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/health/outcome.h"
#include "peerpulse/health/trial_permits.h"
#include "peerpulse/net/flush_queue.h"
#include "peerpulse/net/read_blocks.h"
#include "peerpulse/proxy/options.h"
#include "peerpulse/stats/stats.h"
#include "peerpulse/upstream/connection_pool.h"

namespace peerpulse::proxy {

/// What the workers share with the rest of the process.
struct SharedState {
  const ProxyOptions& options;
  health::CircuitTable& table;
  health::TrialPermits& trials;
  stats::Stats& stats;
  health::OutcomeSink& outcomes;
};

class WorkerContext {
 public:
  WorkerContext(event::Dispatcher& dispatcher, const SharedState& shared, uint32_t seed);

  event::Dispatcher& dispatcher;
  const SharedState& shared;
  const ProxyOptions& options;
  net::ReadBlocks blocks;
  net::FlushQueue flushQueue;
  http::CodecLimits limits;
  upstream::PoolContext pools;
  std::minstd_rand random;  ///< jitter only
};

}  // namespace peerpulse::proxy
