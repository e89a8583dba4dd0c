#include <array>

#include "cluster_json.h"
#include "handlers.h"
#include "peerpulse/health/local_health.h"
#include "peerpulse/health/transition_kinds.h"
#include "peerpulse/stats/registry.h"

namespace peerpulse::admin {

namespace {

using health::CircuitState;
using health::Verdict;

constexpr std::array kVerdicts = {Verdict::kUnknown, Verdict::kAlive,    Verdict::kSuspect,
                                  Verdict::kDead,    Verdict::kRefusing, Verdict::kStalled};
constexpr std::array kCircuits = {CircuitState::kClosed, CircuitState::kOpen, CircuitState::kHalfOpen};

}  // namespace

Response handleMetrics(const Context& context, const Request&) {
  stats::RegistrySources sources;
  for (const Verdict v : kVerdicts)
    sources.verdicts.emplace_back(health::toString(v));
  for (const CircuitState c : kCircuits)
    sources.circuits.emplace_back(health::toString(c));
  sources.peerState = [&circuits = *context.sources.circuits](PeerId id) {
    const health::CircuitWord word = circuits.load(id);
    return stats::PeerState{health::toString(word.verdict), health::toString(word.circuit),
                            word.reason == health::Reason::kOperator};
  };
  for (const health::TransitionKind& kind : health::kTransitionKinds)
    sources.transitionKinds.emplace_back(kind.to, health::toString(kind.reason));
  sources.detail = context.sources.metricsDetail;
  sources.cluster = clusterCounts(context);
  if (context.sources.limits) sources.limits = context.sources.limits();
  sources.usage = context.sources.usage;
  sources.node = context.sources.node;
  for (size_t i = 0; i < health::kLocalStates; ++i)
    sources.localStates.emplace_back(health::toString(static_cast<health::LocalState>(i)));
  sources.localStates.emplace_back(kProberStalled);
  sources.localHealth = [&context] { return localHealth(context); };
  sources.logLines = context.sources.logLines;
  sources.logDropped = context.sources.logDropped;
  sources.version = context.sources.version;
  const stats::Registry registry(*context.sources.stats, std::move(sources));
  return {.contentType = "text/plain; version=0.0.4; charset=utf-8", .body = registry.text()};
}

}  // namespace peerpulse::admin
