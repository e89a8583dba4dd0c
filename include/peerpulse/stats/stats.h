// Stats: all numbers of the process, in tables laid out once from the configuration. Nothing is looked up by
// name on the hot path: a worker knows its PeerId and the index of the matched route.
//
//   stats.peer(id).inFlight.add();
//   stats.operation(id, route).duration.observe(now - started);
//   stats.operation(id, route).timeouts.add();
//   stats.uploads.started();
//
// Threading: a table never moves while somebody works with its peer; its values are relaxed atomics that any thread may
//   bump. adopt(), retire() and reading them all is the main thread's; workers learn of a peer by a post, after adopt().
//   countTransition() takes a lock; it is called per transition, not per exchange.
// Ownership: one object, outlives every thread. Not copyable, not movable: references into it stay valid.
// Invariants: the label values are those given here; a scrape's size is bounded by the configuration.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "peerpulse/base/assert.h"
#include "peerpulse/base/mutex.h"
#include "peerpulse/base/peer_id.h"
#include "peerpulse/stats/fanout_stats.h"
#include "peerpulse/stats/histogram.h"
#include "peerpulse/stats/peer_stats.h"
#include "peerpulse/stats/upload_stats.h"

namespace peerpulse::stats {

// Each bound is a line of a scrape for each peer and route.
inline constexpr std::array<double, 12> kOperationBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                            0.1,   0.25,   0.5,   1,    5,     30};
inline constexpr std::array<double, 10> kLoopLagBounds = {0.0001, 0.0005, 0.001, 0.002, 0.005,
                                                          0.01,   0.02,   0.05,  0.1,   1};

/// One peer and one route (`operation`).
struct alignas(64) OperationStats {
  Histogram duration{kOperationBounds};  ///< request head to the end of the exchange
  Value timeouts;                        ///< that the peer let pass
};

/// One event loop.
struct alignas(64) LoopStats {
  Histogram lag{kLoopLagBounds};  ///< how late the loop served its own heartbeat (Dispatcher::measureLag)
};

/// Runs of an operator's program (hooks::HookRunner), by how they ended.
struct HookStats {
  Value succeeded;   ///< exit status 0
  Value failed;      ///< another one, or a signal that was not ours
  Value timedOut;    ///< ended by us
  Value notStarted;  ///< no such program, no descriptor, no process
  Value dropped;     ///< notices overtaken by a newer one, or by our own end
  Value running;     ///< now
};

/// Clients of the admin.
struct AdminStats {
  Value connections;  ///< now
  Value evicted;      ///< ended, because they were of no use and a new one needed their place
  Value refused;      ///< closed as soon as they came: all places are in use
};

class Stats {
 public:
  /// `peers` are adopted as PeerId 0, 1, ...; `routes` in the order of ProxyOptions::routes, `loops` as the caller
  /// numbers its event loops ("main", "prober", "worker0", ...).
  Stats(const std::vector<std::string>& peers, std::vector<std::string> routes, std::vector<std::string> loops);
  Stats(const Stats&) = delete;
  Stats& operator=(const Stats&) = delete;

  /// A table of its own for this peer, all zero. Main thread; a slot that was retired may be adopted again when nobody
  /// works with its old peer any more.
  void adopt(PeerId id, const std::string& name);
  /// It is exported no more. Its table stays for those who still work with it.
  void retire(PeerId id);
  size_t peerCount() const {
    size_t count = 0;
    forEachPeer([&count](PeerId, const std::string&) { ++count; });
    return count;
  }
  /// Calls `visit(id, name)` for each peer that is there, in the order of the slots. Main thread.
  template <typename Visit>
  void forEachPeer(Visit visit) const {
    for (const auto& table : tables_) {
      if (table && table->present) visit(table->id, table->name);
    }
  }

  /// Also of a retired one, while its slot has no other.
  const std::string& name(PeerId id) const { return table(id).name; }
  PeerStats& peer(PeerId id) { return table(id).stats; }
  const PeerStats& peer(PeerId id) const { return table(id).stats; }
  OperationStats& operation(PeerId id, size_t route) { return table(id).operations[checkedRoute(route)]; }
  const OperationStats& operation(PeerId id, size_t route) const { return table(id).operations[checkedRoute(route)]; }
  LoopStats& loop(size_t i) { return loops_[checkedLoop(i)]; }
  const LoopStats& loop(size_t i) const { return loops_[checkedLoop(i)]; }

  UploadStats uploads;
  HookStats hooks;
  FanoutStats fanout;
  AdminStats admin;
  /// What the prober's thread did and nobody was told of, because too much waited to be told: no log line, no event.
  Value reportsDropped;
  /// 1 from the signal to end on; and how much of the drain's time is over.
  Value draining;
  Value drainSpentPermille;
  /// The same of the process before this one, as it ended; 0 where it left no record. And the exchanges it cut off.
  Value lastDrainSpentPermille;
  Value lastDrainCut;

  /// Certificate files that had changed: taken; could not be taken, the ones before stay in use.
  Value tlsReloads;
  Value tlsReloadsFailed;

  /// The guard's table was changed by somebody else, and made anew.
  Value guardTableRepairs;
  /// It could not be made or renewed.
  Value guardTableErrors;

  /// The same of transparent mode's own table.
  Value transparentTableRepairs;
  Value transparentTableErrors;
  /// Clients of the transparent listener that had connected to no peer's address.
  Value transparentUnknown;

  const std::vector<std::string>& routeNames() const { return routeNames_; }
  const std::vector<std::string>& loopNames() const { return loopNames_; }

  /// Counts one transition of `id` to `to` (a verdict or circuit state) for `reason`. At most
  /// kMaxTransitionKinds pairs per peer are told apart, the rest count as "other".
  void countTransition(PeerId id, std::string_view to, std::string_view reason);
  using TransitionCounts = std::map<std::pair<std::string, std::string>, uint64_t>;  ///< (to, reason) -> count
  TransitionCounts transitions(PeerId id) const;
  static constexpr size_t kMaxTransitionKinds = 64;

 private:
  /// All of one peer. Never moves.
  struct Table {
    Table(PeerId peer, std::string peerName, size_t routes)
        : operations(routes), name(std::move(peerName)), id(peer) {}
    PeerStats stats;
    std::vector<OperationStats> operations;  // by route
    const std::string name;
    TransitionCounts transitions;  // guarded by transitionMutex_
    const PeerId id;
    bool present = true;
  };

  Table& table(PeerId id) const {
    PP_ASSERT(slot(id) < kMaxPeers && tables_[slot(id)] != nullptr);
    return *tables_[slot(id)];
  }
  size_t checkedLoop(size_t i) const {
    PP_ASSERT(i < loops_.size());
    return i;
  }
  size_t checkedRoute(size_t route) const {
    PP_ASSERT(route < routeNames_.size());
    return route;
  }

  std::vector<std::string> routeNames_;
  std::vector<std::string> loopNames_;
  std::array<std::unique_ptr<Table>, kMaxPeers> tables_;  // by slot
  std::vector<LoopStats> loops_;

  mutable Mutex transitionMutex_;
};

}  // namespace peerpulse::stats
