// Stats: all numbers of the process, in tables laid out once from the configuration. Nothing is looked up by
// name on the hot path: a worker knows its PeerId and the index of the matched route.
//
//   stats.peer(id).inFlight.add();
//   stats.operation(id, route).duration.observe(now - started);
//   stats.operation(id, route).timeouts.add();
//   stats.uploads.started();
//
// Threading: the tables never change their shape; their values are relaxed atomics that any thread may bump.
//   countTransition() takes a lock; it is called per transition, not per exchange.
// Ownership: one object, outlives every thread. Not copyable, not movable: references into it stay valid.
// Invariants: the label values are those given here; a scrape's size is bounded by the configuration.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "peerpulse/base/assert.h"
#include "peerpulse/base/mutex.h"
#include "peerpulse/base/peer_id.h"
#include "peerpulse/stats/histogram.h"
#include "peerpulse/stats/peer_stats.h"
#include "peerpulse/stats/upload_stats.h"

namespace peerpulse::stats {

inline constexpr std::array<double, 15> kOperationBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                            0.25,   0.5,   1,      2.5,   5,    10,    30};
inline constexpr std::array<double, 12> kLoopLagBounds = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005,
                                                          0.01,   0.02,   0.05,   0.1,   0.5,   1};

/// One peer and one route (`operation`).
struct alignas(64) OperationStats {
  Histogram duration{kOperationBounds};  ///< request head to the end of the exchange
  Value timeouts;
};

/// One event loop.
struct alignas(64) LoopStats {
  Histogram lag{kLoopLagBounds};  ///< how late the loop served its own heartbeat (Dispatcher::measureLag)
};

class Stats {
 public:
  /// `peers` in the order of their ids, `routes` in the order of ProxyOptions::routes, `loops` as the caller
  /// numbers its event loops ("main", "prober", "worker0", ...).
  Stats(std::vector<std::string> peers, std::vector<std::string> routes, std::vector<std::string> loops);
  Stats(const Stats&) = delete;
  Stats& operator=(const Stats&) = delete;

  PeerStats& peer(PeerId id) { return peers_[checked(id)]; }
  const PeerStats& peer(PeerId id) const { return peers_[checked(id)]; }
  OperationStats& operation(PeerId id, size_t route) { return operations_[operationIndex(id, route)]; }
  const OperationStats& operation(PeerId id, size_t route) const { return operations_[operationIndex(id, route)]; }
  LoopStats& loop(size_t i) { return loops_[checkedLoop(i)]; }
  const LoopStats& loop(size_t i) const { return loops_[checkedLoop(i)]; }

  UploadStats uploads;
  /// What the prober's thread did and nobody was told of, because too much waited to be told: no log line, no event.
  Value reportsDropped;

  const std::vector<std::string>& peerNames() const { return peerNames_; }
  const std::vector<std::string>& routeNames() const { return routeNames_; }
  const std::vector<std::string>& loopNames() const { return loopNames_; }

  /// Counts one transition of `id` to `to` (a verdict or circuit state) for `reason`. At most
  /// kMaxTransitionKinds pairs per peer are told apart, the rest count as "other".
  void countTransition(PeerId id, std::string_view to, std::string_view reason);
  using TransitionCounts = std::map<std::pair<std::string, std::string>, uint64_t>;  ///< (to, reason) -> count
  TransitionCounts transitions(PeerId id) const;
  static constexpr size_t kMaxTransitionKinds = 64;

 private:
  size_t checked(PeerId id) const {
    PP_ASSERT(index(id) < peers_.size());
    return index(id);
  }
  size_t checkedLoop(size_t i) const {
    PP_ASSERT(i < loops_.size());
    return i;
  }
  size_t operationIndex(PeerId id, size_t route) const {
    PP_ASSERT(route < routeNames_.size());
    return checked(id) * routeNames_.size() + route;
  }

  std::vector<std::string> peerNames_;
  std::vector<std::string> routeNames_;
  std::vector<std::string> loopNames_;
  std::vector<PeerStats> peers_;
  std::vector<OperationStats> operations_;  // peer-major
  std::vector<LoopStats> loops_;

  mutable Mutex transitionMutex_;
  std::vector<TransitionCounts> transitions_ PP_GUARDED_BY(transitionMutex_);  // by peer
};

}  // namespace peerpulse::stats
