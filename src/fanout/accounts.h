// What is counted and logged of an operation: its legs as they begin and end, and the whole when it is over.
//
// Threading: its worker's; Stats' values are shared.
#pragma once

#include "answer.h"
#include "peerpulse/stats/stats.h"

namespace peerpulse::fanout {

void countLegBegun(stats::Stats& stats, const Leg& leg);
/// Requires that it is over; it may never have begun. `wallNow`: for what /peers says of its last error.
void countLegEnded(stats::Stats& stats, Operation operation, const Leg& leg, WallTime wallNow);

/// A chunk is now tried on another disk than that of `failed`.
void countFallback(stats::Stats& stats, const Leg& failed);

/// Of a chunk's write that is over, and was begun: one upload, however many disks were tried. `bytes` of its body had come;
/// `status` as below.
void countUploadEnded(stats::Stats& stats, const Legs& legs, int status, uint64_t bytes, Duration took);

/// What has become of an operation: the words of stats::kFanoutOutcomes.
enum class Outcome : uint8_t { kOk, kPartial, kFailed, kAbandoned };
/// `status` of the answer; 0: there was none.
Outcome outcomeOf(Operation operation, const Legs& legs, int status);

/// Of a notification that was accepted and is over: a count and a line for each peer that it did not reach.
void noteUndelivered(stats::Stats& stats, const Call& call, const Legs& legs);
/// Of one that is over.
void logRun(const Call& call, const Legs& legs, Outcome outcome, int status, Duration took);

}  // namespace peerpulse::fanout
