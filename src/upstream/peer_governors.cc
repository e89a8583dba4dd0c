#include "peer_governors.h"

#include <chrono>

namespace peerpulse::upstream {

namespace {

uint64_t microsOf(Duration d) { return static_cast<uint64_t>(std::chrono::duration_cast<microseconds>(d).count()); }

/// The value of a sum changes by what this worker's share does.
void change(stats::Value& sum, uint64_t from, uint64_t to) {
  if (to > from) sum.add(to - from);
  if (to < from) sum.sub(from - to);
}

}  // namespace

PeerGovernors::~PeerGovernors() {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i]) publish(static_cast<TrafficClass>(i), *entries_[i], {});
  }
}

PeerGovernors::Entry& PeerGovernors::entry(TrafficClass trafficClass) {
  auto& entry = entries_[static_cast<size_t>(trafficClass)];
  if (!entry) entry = std::make_unique<Entry>(context_.options->governor);
  return *entry;
}

const Governor* PeerGovernors::find(TrafficClass trafficClass) const {
  const auto& entry = entries_[static_cast<size_t>(trafficClass)];
  return entry ? &entry->governor : nullptr;
}

stats::GovernorStats& PeerGovernors::statsOf(TrafficClass trafficClass) const {
  return context_.stats.peer(peer_).governors[static_cast<size_t>(trafficClass)];
}

bool PeerGovernors::refuses(TrafficClass trafficClass, TimePoint now) {
  const GovernorMode mode = context_.options->governor.mode;
  if (mode == GovernorMode::kOff) return false;
  Entry& of = entry(trafficClass);
  const bool may = of.governor.mayEnter(now);
  if (of.told && !of.governor.limiting()) noteOver(trafficClass, of);
  if (may) return false;
  stats::GovernorStats& stats = statsOf(trafficClass);
  (mode == GovernorMode::kEnforce ? stats.shed : stats.wouldShed).add();
  if (!of.told) noteRefused(trafficClass, of);
  return mode == GovernorMode::kEnforce;
}

void PeerGovernors::enter(TrafficClass trafficClass, GovernorTicket& ticket) {
  if (context_.options->governor.mode == GovernorMode::kOff) return;
  ticket.enter(entry(trafficClass).governor);
}

// Our own limit: nothing was sent, and whoever has another peer may ask that one.
const Failure& PeerGovernors::refusal() {
  static const Failure kRefusal = [] {
    Failure failure;
    failure.type = ErrorType::kConnectionLimitReached;
    failure.party = Party::kSelf;
    failure.shed = true;
    failure.detail = "the peer is slow, and as many exchanges as it can take wait for it";
    return failure;
  }();
  return kRefusal;
}

void PeerGovernors::reset() {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (!entries_[i]) continue;
    if (entries_[i]->told) noteOver(static_cast<TrafficClass>(i), *entries_[i]);
    entries_[i]->governor.reset();
  }
}

// --- what others see -------------------------------------------------------------------------------------------

GovernorReport PeerGovernors::reportOf(TrafficClass trafficClass, const Entry& entry) const {
  const Governor& governor = entry.governor;
  GovernorReport report;
  report.peer = peer_;
  report.trafficClass = trafficClass;
  report.enforced = context_.options->governor.mode == GovernorMode::kEnforce;
  report.limit = governor.limit().value_or(0);
  report.inFlight = governor.inFlight();
  report.latency = governor.latency();
  report.baseline = governor.baseline().value_or(Duration::zero());
  report.refused = governor.refused();
  return report;
}

void PeerGovernors::noteRefused(TrafficClass trafficClass, Entry& entry) {
  entry.told = true;
  if (context_.governorWatcher != nullptr) context_.governorWatcher->onSlowPeer(reportOf(trafficClass, entry));
}

void PeerGovernors::noteOver(TrafficClass trafficClass, Entry& entry) {
  entry.told = false;
  if (context_.governorWatcher != nullptr) context_.governorWatcher->onSlowPeerOver(reportOf(trafficClass, entry));
}

void PeerGovernors::publish() {
  const GovernorOptions& options = context_.options->governor;
  if (options.mode == GovernorMode::kOff) reset();
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (!entries_[i]) continue;
    const auto trafficClass = static_cast<TrafficClass>(i);
    Governor& governor = entries_[i]->governor;
    governor.configure(options);
    if (entries_[i]->told && !governor.limiting()) noteOver(trafficClass, *entries_[i]);
    Published now;
    now.limiting = governor.limiting() ? 1 : 0;
    now.limit = governor.limit().value_or(0);
    now.inFlight = governor.inFlight();
    if (governor.baseline()) {
      now.knowing = 1;
      now.baselineMicros = microsOf(*governor.baseline());
      now.latencyMicros = microsOf(governor.latency());
    }
    publish(trafficClass, *entries_[i], now);
  }
}

void PeerGovernors::publish(TrafficClass trafficClass, Entry& entry, const Published& now) const {
  stats::GovernorStats& stats = statsOf(trafficClass);
  const Published& was = entry.published;
  change(stats.limiting, was.limiting, now.limiting);
  change(stats.limit, was.limit, now.limit);
  change(stats.inFlight, was.inFlight, now.inFlight);
  change(stats.knowing, was.knowing, now.knowing);
  change(stats.baselineMicros, was.baselineMicros, now.baselineMicros);
  change(stats.latencyMicros, was.latencyMicros, now.latencyMicros);
  entry.published = now;
}

}  // namespace peerpulse::upstream
