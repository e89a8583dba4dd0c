// Reporter: tells people what the prober's thread did: log lines, transition counts, the event history. The prober
// only copies a plain value into a bounded queue, and wakes the main loop if it sleeps; everything else is done there:
//
//   prober: report() --ReportQueue--> main loop: onWake() --> EventLog (and its subscribers), Stats, log
//
// The main loop, not a thread of its own: it does nothing but this and the admin, whose readers then find in /events
//   whatever they could see the effect of before (the wake-up comes to the same loop ahead of their next request), and
//   nothing must be joined at the end.
// Every transition is counted, and told to onChange; log and history get one line for a flurry (transition_folder.h).
// A full queue (the main thread stopped for thousands of reports) drops the newest and counts it; no transition is
//   missing in the peer's sum, only its kind is (Stats::reportsDropped, ProbeStats::transitionsUnreported). What state a
//   peer got into meanwhile is then read from the circuit table, and told without evidence: the last state is always told.
//
// Threading: report() from the prober's thread: no lock, no allocation, no formatting, and one write to an eventfd per
//   burst. Everything else on the main thread.
// Ownership: what it refers to outlives it, and so does the dispatcher.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "peerpulse/base/fd.h"
#include "peerpulse/base/result.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/proxy/snapshot.h"
#include "peerpulse/stats/stats.h"
#include "report.h"
#include "report_queue.h"
#include "transition_folder.h"

namespace peerpulse::server {

class Reporter {
 public:
  /// Room for 1,024 peers, the most there can be, to become suspect, dead, refusing and alive at once.
  static constexpr size_t kCapacity = 4096;
  /// Told in one turn of the loop, a few microseconds each.
  static constexpr size_t kBatch = 128;

  /// What it reads and writes.
  struct Sinks {
    std::function<proxy::SnapshotRef()> snapshot;
    const health::CircuitTable& table;
    stats::Stats& stats;
    admin::EventLog& events;
    /// Each transition, in order, right after it was counted; optional. What was dropped is told as one, as above.
    std::function<void(const health::Transition&, WallTime at)> onChange{};
  };

  Reporter(event::Dispatcher& dispatcher, Sinks sinks, size_t capacity = kCapacity);
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  /// Errors of the set-up (out of descriptors).
  const Result<void>& status() const { return status_; }

  /// Prober's thread. `at`: when it happened.
  void report(const Report::What& what, WallTime at);

  /// Tells all that is queued. At the end: once the prober's thread has ended, and before the log does.
  void drain();

 private:
  void wake();
  void onWake();
  bool tellNext();
  void tellDropped();
  void catchUp();
  void tellChange(const health::Transition& transition, WallTime at);
  void tellLine(const ToldTransition& line);
  void tellDue(TimePoint now);
  void armFoldTimer();
  void tell(const health::Transition& transition, WallTime at);
  void tell(const health::Degrading& warning, WallTime at);
  void tell(const health::RungChange& change, WallTime at);
  void tell(const health::LinkChange& change, WallTime at);
  void tell(const admin::LocalChange& change, WallTime at);
  void tell(const GateFailure& failure, WallTime at);

  /// What was told of a peer's word.
  struct Known {
    PeerId peer{};
    health::CircuitWord word;
    bool caughtUp = false;  // `word` came from the table: reports up to its generation are no news
  };
  Known& knownOf(PeerId peer);

  event::Dispatcher& dispatcher_;
  const Sinks sinks_;
  ReportQueue queue_;
  TransitionFolder folder_;
  std::unique_ptr<event::Timer> foldTimer_;
  std::vector<Known> known_;  // by slot
  Result<void> status_;
  Fd wakeFd_;
  std::atomic<bool> wakePending_{false};
  std::unique_ptr<event::FileEvent> wakeEvent_;
  uint64_t droppedTold_ = 0;
  uint64_t droppedCaughtUp_ = 0;
};

}  // namespace peerpulse::server
