#include "peerpulse/proxy/worker_context.h"

#include <utility>

#include "governor_log.h"

namespace peerpulse::proxy {

namespace {

/// Of an answer that has no share of its connection's room: small answers fit as a whole, and a thousand that wait are a MiB.
constexpr size_t kFirstWindow = 1024;

http::CodecLimits codecLimits(const ProxyOptions& options) {
  http::CodecLimits limits;
  limits.streamWindow = options.bufferLimit;
  limits.firstWindow = kFirstWindow;
  limits.maxHeaderCount = options.maxFields;
  return limits;
}

}  // namespace

WorkerContext::WorkerContext(event::Scheduler& loop, net::Connector& connector, const SharedState& sharedState,
                             SnapshotRef first, uint32_t seed)
    : scheduler(loop),
      shared(sharedState),
      snapshot(ofWorker(std::move(first))),
      io(loop, connector),
      limits(codecLimits(snapshot->options)),
      governorLog(std::make_unique<GovernorLog>(shared.stats, loop)),
      upstream{io,
               shared.table,
               shared.trials,
               shared.outcomes,
               shared.stats,
               upstreamOptions(snapshot),
               limits,
               std::minstd_rand(seed),
               {},
               governorLog.get()},
      loopWatch(loop, upstream.loopTime),
      peers(upstream) {
  peers.apply(snapshot->peers);
}

WorkerContext::~WorkerContext() = default;

void WorkerContext::apply(SnapshotRef next) {
  snapshot = ofWorker(std::move(next));
  limits = codecLimits(snapshot->options);
  upstream.options = upstreamOptions(snapshot);
  upstream.limits = limits;
  peers.apply(snapshot->peers);
}

}  // namespace peerpulse::proxy
