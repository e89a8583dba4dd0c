// Context: what everything upstream on one worker shares.
//
// Threading: one per worker thread; only `table`, `trials`, `outcomes` and `stats` are shared between threads, and they
//   say how.
#pragma once

#include <random>

#include "peerpulse/health/circuit_table.h"
#include "peerpulse/health/outcome.h"
#include "peerpulse/health/trial_permits.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/stats/stats.h"
#include "peerpulse/upstream/governor_watcher.h"
#include "peerpulse/upstream/loop_watch.h"
#include "peerpulse/upstream/options.h"
#include "peerpulse/wire/io_context.h"

namespace peerpulse::upstream {

struct Context {
  wire::IoContext& io;
  health::CircuitTable& table;
  health::TrialPermits& trials;
  health::OutcomeSink& outcomes;
  stats::Stats& stats;
  OptionsRef options;  ///< of new requests and connections; a reload puts another one here
  http::CodecLimits limits;
  std::minstd_rand random;  ///< jitter only
  LoopTime loopTime{};
  GovernorWatcher* governorWatcher = nullptr;  ///< is told what becomes of slow peers; optional

  TimePoint now() const { return io.scheduler.now(); }
  /// What deadlines count in.
  TimePoint deadlineNow() const { return loopTime.at(now()); }
  /// In [0, 1).
  double jitter() { return std::uniform_real_distribution<double>(0, 1)(random); }
};

}  // namespace peerpulse::upstream
