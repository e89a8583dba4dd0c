#include "peerpulse/proxy/worker_context.h"

#include <utility>

#include "governor_log.h"

namespace peerpulse::proxy {

namespace {

/// Of an answer that has no share of its connection's room: small answers fit as a whole, and a thousand that wait are a MiB.
constexpr size_t kFirstWindow = 1024;

/// `streams`: of one h2 connection.
http::CodecLimits codecLimits(const ProxyOptions& options, uint32_t streams) {
  http::CodecLimits limits;
  limits.maxConcurrentStreams = streams;
  limits.streamWindow = options.bufferLimit;
  limits.firstWindow = kFirstWindow;
  limits.maxHeaderCount = options.maxFields;
  return limits;
}

http::CodecLimits downstreamLimits(const ProxyOptions& options) {
  return codecLimits(options, options.maxConcurrentStreams);
}

http::CodecLimits upstreamLimits(const ProxyOptions& options) {
  return codecLimits(options, options.pool.maxStreamsPerConnection);
}

}  // namespace

WorkerContext::WorkerContext(event::Scheduler& loop, net::Connector& connector, const SharedState& sharedState,
                             SnapshotRef first, uint32_t seed)
    : scheduler(loop),
      shared(sharedState),
      snapshot(ofWorker(std::move(first))),
      io(loop, connector),
      limits(downstreamLimits(snapshot->options)),
      governorLog(std::make_unique<GovernorLog>(shared.stats, loop)),
      upstream{io,
               shared.table,
               shared.trials,
               shared.outcomes,
               shared.stats,
               upstreamOptions(snapshot),
               upstreamLimits(snapshot->options),
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
  limits = downstreamLimits(snapshot->options);
  upstream.options = upstreamOptions(snapshot);
  upstream.limits = upstreamLimits(snapshot->options);
  peers.apply(snapshot->peers);
}

}  // namespace peerpulse::proxy
