#include "governor_log.h"

#include "peerpulse/log/log.h"

namespace peerpulse::proxy {

namespace {

log::Fields fieldsOf(const std::string& peer, const upstream::GovernorReport& report) {
  log::Fields fields;
  fields.add("peer", peer)
      .add("class", upstream::toString(report.trafficClass))
      .add("mode", report.enforced ? "enforce" : "observe")
      .add("in_flight", report.inFlight)
      .add("latency_ms", toMillis(report.latency))
      .add("baseline_ms", toMillis(report.baseline));
  return fields;
}

}  // namespace

GovernorLog::Told& GovernorLog::told(const upstream::GovernorReport& report) {
  const size_t at = slot(report.peer) * stats::kGovernedClasses.size() + static_cast<size_t>(report.trafficClass);
  if (told_.size() <= at) told_.resize(at + 1);
  return told_[at];
}

void GovernorLog::onSlowPeer(const upstream::GovernorReport& report) {
  Told& of = told(report);
  of.slow = of.due.due(scheduler_.now());
  if (!of.slow) return;
  log::write(log::Level::kWarn, "slow_peer", fieldsOf(stats_.name(report.peer), report).add("limit", report.limit));
}

// Whose beginning was told.
void GovernorLog::onSlowPeerOver(const upstream::GovernorReport& report) {
  Told& of = told(report);
  if (!of.slow) return;
  of.slow = false;
  log::write(log::Level::kWarn, "slow_peer_over",
             fieldsOf(stats_.name(report.peer), report).add(report.enforced ? "shed" : "would_shed", report.refused));
}

}  // namespace peerpulse::proxy
