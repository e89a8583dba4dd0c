#include "accounts.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "peerpulse/log/log.h"
#include "peerpulse/log/request_path.h"
#include "peerpulse/upstream/upload_failure.h"

namespace peerpulse::fanout {

namespace {

template <size_t kWords>
size_t placeIn(const std::array<const char*, kWords>& words, std::string_view word) {
  const auto* found = std::find(words.begin(), words.end(), word);
  PP_ASSERT(found != words.end());
  return static_cast<size_t>(found - words.begin());
}

size_t placeOf(const Leg& leg) { return placeIn(stats::kLegStates, stateWord(leg)); }

void logUndelivered(const Call& call, const Leg& leg) {
  log::write(log::Level::kWarn, "notification_undelivered",
             log::Fields()
                 .add("peer", leg.peer().name)
                 .add("path", log::loggedPath(call.path, false))
                 .add("reason", stateWord(leg))
                 .add("status", leg.status())
                 .add("error", info(leg.failure().type).name)
                 .add("details", leg.failure().detail));
}

}  // namespace

void countLegBegun(stats::Stats& stats, const Leg& leg) {
  stats::PeerStats& peer = stats.peer(leg.peer().id);
  peer.requestsTotal.add();
  peer.inFlight.add();
}

void countLegEnded(stats::Stats& stats, Operation operation, const Leg& leg, WallTime wallNow) {
  stats::PeerStats& peer = stats.peer(leg.peer().id);
  if (!leg.took()) return;  // it was not needed: nothing was sent
  peer.inFlight.sub();
  stats::FanoutOperationStats& counts = stats.fanout.operations[static_cast<size_t>(operation)];
  counts.legs[placeOf(leg)].add();
  if (const char* hedge = hedgeWord(leg)) counts.hedges[placeIn(stats::kHedgeResults, hedge)].add();
  if (leg.state() != Leg::State::kFailed) return;
  if (leg.failure().byCircuit) {
    peer.fastFailuresTotal.add();
  } else {
    const upstream::Failure& failure = leg.failure();
    peer.failed(static_cast<size_t>(failure.party), failure.timedOut);
    if (failure.party != upstream::Party::kClient) {
      peer.lastError.note(wallNow, info(failure.type).name, toString(failure.party), failure.detail);
    }
  }
}

void countFallback(stats::Stats& stats, const Leg& failed) { stats.fanout.fallbacks[placeOf(failed)].add(); }

// Without an answer it was the caller who went, or our own process, whose counts nobody reads any more.
void countUploadEnded(stats::Stats& stats, const Legs& legs, int status, uint64_t bytes, Duration took) {
  if (status == 0) {
    stats.uploads.failed(stats::UploadFailure::kClientAborted);
  } else if (legs.back()->acknowledged()) {
    stats.uploads.succeeded(bytes, took);
  } else {
    stats.uploads.failed(upstream::uploadFailureOf(legs.back()->failure()));
  }
}

Outcome outcomeOf(Operation operation, const Legs& legs, int status) {
  if (status == 0) return Outcome::kAbandoned;
  if (status >= 300) return Outcome::kFailed;
  const bool all = std::all_of(legs.begin(), legs.end(), [](const auto& leg) { return leg->acknowledged(); });
  // A quorum, or one disk, is all that was asked for.
  const bool enough = operation == Operation::kQuorum || operation == Operation::kErasure;
  return all || enough ? Outcome::kOk : Outcome::kPartial;
}

void noteUndelivered(stats::Stats& stats, const Call& call, const Legs& legs) {
  for (const auto& leg : legs) {
    if (leg->acknowledged()) continue;
    stats.peer(leg->peer().id).undelivered[placeOf(*leg)].add();
    logUndelivered(call, *leg);
  }
}

void logRun(const Call& call, const Legs& legs, Outcome outcome, int status, Duration took) {
  const auto acknowledged = static_cast<uint64_t>(
      std::count_if(legs.begin(), legs.end(), [](const auto& leg) { return leg->acknowledged(); }));
  const log::Level level = acknowledged == legs.size() ? log::Level::kDebug : log::Level::kInfo;
  if (!log::enabled(level)) return;  // most are, and go well
  const auto hedges = static_cast<uint64_t>(
      std::count_if(legs.begin(), legs.end(), [](const auto& leg) { return leg->hedge() != Leg::Hedge::kNone; }));
  log::write(level, "fanout",
             log::Fields()
                 .add("operation", toString(call.operation))
                 .add("path", log::loggedPath(call.path, false))
                 .add("outcome", stats::kFanoutOutcomes[static_cast<size_t>(outcome)])
                 .add("status", status)
                 .add("peers", uint64_t{legs.size()})
                 .add("acknowledged", acknowledged)
                 .add("hedges", hedges)
                 .add("took_ms", toMillis(took)));
}

}  // namespace peerpulse::fanout
