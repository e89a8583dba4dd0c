// Reporter: tells people what the prober's thread did: log lines, transition counts, the event history. The prober
// only copies a plain value into a bounded queue, and wakes the main loop if it sleeps; everything else is done there:
//
//   prober: report() --ReportQueue--> main loop: onWake() --> EventLog (and its subscribers), Stats, log
//
// The main loop, not a thread of its own: it does nothing but this and the admin, whose readers then find in /events
//   whatever they could see the effect of before (the wake-up comes to the same loop ahead of their next request), and
//   nothing must be joined at the end.
// A full queue (the main thread stopped for thousands of reports) drops the newest and counts it; no transition is
//   missing in the peer's sum, only its kind is (Stats::reportsDropped, ProbeStats::transitionsUnreported).
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
#include "peerpulse/proxy/snapshot.h"
#include "peerpulse/stats/stats.h"
#include "report.h"
#include "report_queue.h"

namespace peerpulse::server {

class Reporter {
 public:
  /// Room for 1,024 peers, the most there can be, to become suspect, dead, refusing and alive at once.
  static constexpr size_t kCapacity = 4096;
  /// Told in one turn of the loop, a few microseconds each.
  static constexpr size_t kBatch = 128;

  Reporter(event::Dispatcher& dispatcher, std::function<proxy::SnapshotRef()> snapshot, stats::Stats& stats,
           admin::EventLog& events, size_t capacity = kCapacity);
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
  void tell(const health::Transition& transition, WallTime at);
  void tell(const health::Degrading& warning, WallTime at);
  void tell(const health::RungChange& change, WallTime at);
  void tell(const admin::LocalChange& change, WallTime at);
  void tell(const GateFailure& failure, WallTime at);

  std::function<proxy::SnapshotRef()> snapshot_;
  stats::Stats& stats_;
  admin::EventLog& events_;
  ReportQueue queue_;
  Result<void> status_;
  Fd wakeFd_;
  std::atomic<bool> wakePending_{false};
  std::unique_ptr<event::FileEvent> wakeEvent_;
  uint64_t droppedTold_ = 0;
};

}  // namespace peerpulse::server
