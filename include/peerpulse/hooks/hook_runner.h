// HookRunner: runs an operator's program for what happened: one process at a time, the document on its stdin.
//
// The program's input is one line: one JSON object with the members of the notice's document, those of its context, and
// "dropped".
//
//   submit() --> PendingNotices --> HookRun: spawn, feed, read, wait --> log line, HookStats
//     any thread     (bounded)        the runner's thread
//
// What is bounded: one process at a time, of which nothing is left when it has ended, when `timeout` has passed, or when
// the runner is stopped (SIGTERM to its process group, then SIGKILL); one notice per peer that waits, the last one wins
// and says how many were dropped; one run per peer and second (PendingNotices::kGap); 4 KiB of its output in the log.
// A process has a session of its own, stdin, stdout and stderr and no other descriptor of ours, our environment, no
// signal blocked or ignored, and no precedence over other processes.
//
// Why a thread: starting a process stops the thread that does it until the program is loaded, from a disk that may be slow.
// (From one that does not answer at all that cannot be cut short: stop() would wait, too.)
//
// Threading: submit() from any thread, start() and stop() from one. submit() takes a short lock and never waits for
//   a process.
// Ownership: the stats outlive it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "peerpulse/base/mutex.h"
#include "peerpulse/base/peer_id.h"
#include "peerpulse/base/time.h"
#include "peerpulse/event/dispatcher.h"
#include "peerpulse/hooks/options.h"
#include "peerpulse/stats/stats.h"

namespace peerpulse::hooks {

/// What a run is about.
struct Notice {
  PeerId peer{};
  std::string name;      ///< the peer's, for the log
  std::string document;  ///< a JSON object
  /// Another: what is so beside it. A run gets that of the latest notice of all, so that none undoes what a later one of
  /// another peer did.
  std::string context;
};

class HookRun;
class PendingNotices;
struct HookResult;

class HookRunner {
 public:
  /// Requires a command.
  HookRunner(Options options, stats::HookStats& stats);
  ~HookRunner();
  HookRunner(const HookRunner&) = delete;
  HookRunner& operator=(const HookRunner&) = delete;

  void start();
  void submit(Notice notice);
  /// What waits is dropped (counted, logged), what runs has kStopGrace to end. Returns once the thread has ended.
  void stop();

  static constexpr Duration kStopGrace = seconds(1);

 private:
  void runThread();
  void next();
  void onEnd(const HookResult& result);
  void beginStop();

  const Options options_;
  stats::HookStats& stats_;
  Mutex mutex_;
  std::unique_ptr<PendingNotices> pending_ PP_PT_GUARDED_BY(mutex_);
  std::atomic<bool> nextPosted_{false};

  event::Dispatcher dispatcher_;
  // On the runner's thread.
  std::unique_ptr<HookRun> run_;
  std::unique_ptr<event::Timer> gapTimer_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace peerpulse::hooks
