#include "peerpulse/proxy/peer_proxy.h"

#include "downstream_connection.h"
#include "exchange.h"
#include "peerpulse/log/log.h"
#include "retry_policy.h"
#include "router.h"

namespace peerpulse::proxy {

namespace {

// How long failing a dead peer's exchanges may keep the loop from the healthy ones (design section 2: 1 ms).
constexpr Duration kSliceBudget = microseconds(500);

}  // namespace

PeerProxy::PeerProxy(WorkerContext& context, const PeerOptions& options, net::ListenSocket& socket)
    : context_(context),
      options_(options),
      socket_(socket),
      stats_(context.shared.stats.peer(options.id)),
      router_(std::make_unique<Router>(context.options.routes)),
      retryBudget_(std::make_unique<RetryBudget>(context.options.retry.budgetPercent)),
      acceptor_(context.dispatcher, socket, [this](Fd fd) { onAccept(std::move(fd)); }) {}

PeerProxy::~PeerProxy() { abortAll(); }

void PeerProxy::onAccept(Fd fd) {
  if (connections_.size() >= context_.options.maxDownstreamConnections) {
    // Closing tells the client at once; leaving it in the queue would let it wait.
    log::write(log::Level::kWarn, "downstream_limit",
               log::Fields().add("peer", options_.name).add("connections", uint64_t{connections_.size()}));
    return;
  }
  connections_.push_front(std::make_unique<DownstreamConnection>(*this, std::move(fd)));
  connections_.front()->self = connections_.begin();
}

upstream::ConnectionPool& PeerProxy::pool(upstream::Protocol protocol, upstream::TrafficClass trafficClass) {
  const size_t row = protocol == upstream::Protocol::kHttp2 ? 1 : 0;
  const auto column = static_cast<size_t>(trafficClass);
  auto& pool = pools_[row][column];
  if (!pool) {
    pool =
        std::make_unique<upstream::ConnectionPool>(context_.pools, options_.id, options_.address, protocol,
                                                   trafficClass, context_.options.timeouts[column].connect, stats_);
  }
  return *pool;
}

void PeerProxy::track(Exchange& exchange) { exchanges_.pushBack(exchange); }

void PeerProxy::hold(Exchange& exchange) {
  held_.pushBack(exchange);
  stats_.held.add();
  stats_.heldTotal.add();
}

void PeerProxy::remove(DownstreamConnection& connection) {
  auto node = connection.self;
  context_.dispatcher.deferredDelete(std::move(*node));
  connections_.erase(node);
}

void PeerProxy::onCircuitChange() {
  const health::CircuitWord now = word();
  const bool open = now.circuit == health::CircuitState::kOpen;
  if (open && now.verdict == health::Verdict::kDead) {
    failInFlight();
  } else if (open) {
    // Refusing, stalled, failing or closed by an operator: what is in flight may still end well. A process that
    // no longer listens may be finishing its last requests; if it is gone, its kernel says so on each connection.
    evictIdle();
    if (options_.onDead == OnDead::kRefuse) resetDownstreams(/*alsoBusy=*/false);
  }
  if (!open && !draining_) acceptor_.setEnabled(true);
  resumeHeld();
}

// In slices, so that no exchange of a healthy peer waits for all of them.
void PeerProxy::failInFlight() {
  const health::CircuitWord now = word();
  if (now.circuit != health::CircuitState::kOpen || now.verdict != health::Verdict::kDead) return;
  const TimePoint stop = context_.dispatcher.now() + kSliceBudget;
  while (!exchanges_.empty()) {
    exchanges_.front().onPeerDown(now);
    if (context_.dispatcher.now() < stop) continue;
    if (!sliceScheduled_) {
      sliceScheduled_ = true;
      context_.dispatcher.post([this] {
        sliceScheduled_ = false;
        failInFlight();
      });
    }
    return;
  }
  // The clients have their answers; now the sockets that lead nowhere.
  for (auto& row : pools_) {
    for (auto& pool : row) {
      if (pool) pool->failAll("the peer is dead");
    }
  }
  if (options_.onDead == OnDead::kRefuse) resetDownstreams(/*alsoBusy=*/true);
}

void PeerProxy::resumeHeld() {
  if (held_.empty()) return;
  const health::CircuitWord now = word();
  if (now.circuit == health::CircuitState::kClosed &&
      (now.verdict == health::Verdict::kSuspect || now.verdict == health::Verdict::kUnknown)) {
    return;
  }
  for (size_t n = held_.size(); n > 0 && !held_.empty(); --n)
    held_.front().onVerdict();
}

void PeerProxy::resetDownstreams(bool alsoBusy) {
  for (auto next = connections_.begin(); next != connections_.end();) {
    DownstreamConnection& connection = **next++;
    if (alsoBusy || !connection.busy()) connection.abort("the peer's circuit is open");
  }
}

void PeerProxy::drain() {
  acceptor_.acceptQueued();
  draining_ = true;
  acceptor_.setEnabled(false);
  // From here on new clients are told at once instead of waiting in the queue until we are gone.
  if (!options_.listen.isUnix()) {
    if (auto refused = socket_.refuse(); !refused) {
      log::write(log::Level::kWarn, "drain_listener",
                 log::Fields().add("peer", options_.name).add("error", refused.error().message));
    }
  }
  for (auto next = connections_.begin(); next != connections_.end();)
    (*next++)->drain();
  evictIdle();
}

void PeerProxy::evictIdle() {
  for (auto& row : pools_) {
    for (auto& pool : row) {
      if (pool) pool->evictIdle(TimePoint::max());
    }
  }
}

void PeerProxy::abortAll() {
  while (!connections_.empty())
    connections_.front()->abort("the process ends");
}

void PeerProxy::sweep(TimePoint now) {
  for (auto next = connections_.begin(); next != connections_.end();)
    (*next++)->expire(now);
  for (auto& row : pools_) {
    for (auto& pool : row) {
      if (pool) pool->evictIdle(now);
    }
  }
}

}  // namespace peerpulse::proxy
