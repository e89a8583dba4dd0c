#include "families.h"

namespace peerpulse::stats {

namespace {

constexpr size_t kAggregate = 1;  // in kFanoutOperations
constexpr size_t kPartial = 1;    // in kFanoutOutcomes

}  // namespace

void appendFanoutFamilies(const Stats& stats, Families& out) {
  const FanoutStats& fanout = stats.fanout;
  auto operations = Family::counter("peerpulse_fanout_operations_total",
                                    "Operations of the fan-out API that are over: ok; partial, not every peer's "
                                    "answer is in it; failed; abandoned by their caller or by our own end.");
  auto legs =
      Family::counter("peerpulse_fanout_requests_total", "Requests to peers of such operations, by how they ended.");
  auto hedges =
      Family::counter("peerpulse_fanout_hedges_total",
                      "Requests of reads beside one that was late: won, it had the answer; lost, the late one or "
                      "another one was sooner; failed; over_budget, not sent.");
  auto duration = Family::histogram("peerpulse_fanout_duration_seconds", "From the request to the answer.");
  for (size_t i = 0; i < kFanoutOperations.size(); ++i) {
    const FanoutOperationStats& operation = fanout.operations[i];
    for (size_t k = 0; k < kFanoutOutcomes.size(); ++k)
      operations.add({{"operation", kFanoutOperations[i]}, {"outcome", kFanoutOutcomes[k]}},
                     operation.outcomes[k].get());
    for (size_t k = 0; k < kLegStates.size(); ++k)
      legs.add({{"operation", kFanoutOperations[i]}, {"state", kLegStates[k]}}, operation.legs[k].get());
    for (size_t k = 0; k < kHedgeResults.size(); ++k)
      hedges.add({{"operation", kFanoutOperations[i]}, {"result", kHedgeResults[k]}}, operation.hedges[k].get());
    hedges.add({{"operation", kFanoutOperations[i]}, {"result", "over_budget"}}, operation.hedgesOverBudget.get());
    duration.add({{"operation", kFanoutOperations[i]}}, operation.duration.snapshot());
  }
  auto running = Family::gauge("peerpulse_fanout_running", "Operations under way, those in the background included.");
  running.add({}, fanout.running.get());
  auto refused =
      Family::counter("peerpulse_fanout_refused_total",
                      "Requests answered 503 at once: api.max_operations are under way, or api.memory is full.");
  refused.add({{"limit", "operations"}}, fanout.refusedOperations.get());
  refused.add({{"limit", "memory"}}, fanout.refusedMemory.get());
  auto fallbacks = Family::counter("peerpulse_fanout_fallbacks_total",
                                   "Chunks that were tried on another disk, by how the attempt before ended.");
  for (size_t k = 1; k < kLegStates.size(); ++k)
    fallbacks.add({{"reason", kLegStates[k]}}, fanout.fallbacks[k].get());
  auto undelivered = Family::counter("peerpulse_fanout_undelivered_total",
                                     "Notifications that did not arrive at the peer, by how its request ended.");
  out.detail(undelivered, {"peer"});
  forEachPeer(stats, [&](const std::string& name, const PeerStats& peer) {
    for (size_t k = 1; k < kLegStates.size(); ++k)
      undelivered.add({{"peer", name}, {"reason", kLegStates[k]}}, peer.undelivered[k].get());
  });
  auto aggregation = Family::histogram("rustfs_console_aggregation_duration_seconds", "Duration of aggregations.");
  aggregation.add({{"operation", kFanoutOperations[kAggregate]}}, fanout.operations[kAggregate].duration.snapshot());
  auto partial =
      Family::counter("rustfs_console_aggregation_partial_total", "Aggregations without some peer's answer.");
  partial.add({}, fanout.operations[kAggregate].outcomes[kPartial].get());
  out.add(
      {&operations, &legs, &hedges, &duration, &running, &refused, &fallbacks, &undelivered, &aggregation, &partial});
}

}  // namespace peerpulse::stats
