// GovernorLog: the log's lines about slow peers, and no more of them than one can read.
//
// Threading: its worker's thread.
#pragma once

#include <vector>

#include "peerpulse/event/scheduler.h"
#include "peerpulse/log/occasional.h"
#include "peerpulse/stats/stats.h"
#include "peerpulse/upstream/governor_watcher.h"

namespace peerpulse::proxy {

class GovernorLog final : public upstream::GovernorWatcher {
 public:
  /// Both outlive it.
  GovernorLog(const stats::Stats& stats, const event::Scheduler& scheduler) : stats_(stats), scheduler_(scheduler) {}

  void onSlowPeer(const upstream::GovernorReport& report) override;
  void onSlowPeerOver(const upstream::GovernorReport& report) override;

 private:
  /// Of one peer and class.
  struct Told {
    log::Occasional due{seconds(10)};
    bool slow = false;
  };
  Told& told(const upstream::GovernorReport& report);

  const stats::Stats& stats_;
  const event::Scheduler& scheduler_;
  std::vector<Told> told_;  // by slot and class
};

}  // namespace peerpulse::proxy
