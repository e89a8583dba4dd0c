#include "peerpulse/proxy/worker_context.h"

namespace peerpulse::proxy {

namespace {

http::CodecLimits codecLimits(const ProxyOptions& options) {
  http::CodecLimits limits;
  limits.streamWindow = options.bufferLimit;
  return limits;
}

}  // namespace

WorkerContext::WorkerContext(event::Dispatcher& dispatcherIn, const SharedState& sharedIn, uint32_t seed)
    : dispatcher(dispatcherIn),
      shared(sharedIn),
      options(sharedIn.options),
      flushQueue(dispatcherIn),
      limits(codecLimits(sharedIn.options)),
      pools{dispatcherIn, blocks, flushQueue, sharedIn.table, sharedIn.options.pool, sharedIn.options.tcp, limits},
      random(seed) {}

}  // namespace peerpulse::proxy
