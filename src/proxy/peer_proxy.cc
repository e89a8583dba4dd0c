#include "peerpulse/proxy/peer_proxy.h"

#include "admission.h"
#include "admission_ramp.h"
#include "downstream_connection.h"
#include "exchange.h"
#include "local_reply.h"
#include "peerpulse/log/log.h"
#include "retry_policy.h"
#include "router.h"

namespace peerpulse::proxy {

namespace {

// How long failing a dead peer's exchanges may keep the loop from the healthy ones (design section 2: 1 ms).
constexpr Duration kSliceBudget = microseconds(500);

// Connections of a suspect peer whose kernel state is looked at, a microsecond each.
constexpr size_t kLooksForLife = 16;
// Ages of TCP_INFO come in steps of the kernel's tick, up to this.
constexpr Duration kKernelTick = milliseconds(10);

}  // namespace

PeerProxy::PeerProxy(WorkerContext& context, const PeerOptions& options, net::ListenSocket& socket)
    : context_(context),
      options_(options),
      stats_(context.shared.stats.peer(options.id)),
      router_(std::make_unique<Router>(context.options.routes)),
      retryBudget_(std::make_unique<RetryBudget>(context.options.retry.budgetPercent)),
      ramp_(std::make_unique<AdmissionRamp>()),
      heldTimer_(context.dispatcher.createTimer([this] { onHeldTimer(); })),
      acceptor_(
          context.dispatcher, socket, [this](Fd fd) { onAccept(std::move(fd)); },
          [this](int error) { onAcceptPaused(error); }) {}

PeerProxy::~PeerProxy() {
  abortAll();
  clearBuried(TimePoint::max());
}

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

void PeerProxy::onAcceptPaused(int error) {
  log::write(log::Level::kError, "accept_paused",
             log::Fields().add("peer", options_.name).add("error", systemError("accept", error).message));
}

upstream::ConnectionPool& PeerProxy::pool(upstream::Protocol protocol, upstream::TrafficClass trafficClass) {
  const size_t row = protocol == upstream::Protocol::kHttp2 ? 1 : 0;
  const auto column = static_cast<size_t>(trafficClass);
  auto& pool = pools_[row][column];
  if (!pool) {
    pool = std::make_unique<upstream::ConnectionPool>(context_.pools, options_.id, options_.address, protocol,
                                                      trafficClass, context_.options.timeouts[column].connect,
                                                      connectLimit_, stats_);
  }
  return *pool;
}

void PeerProxy::track(Exchange& exchange) { exchanges_.pushBack(exchange); }

void PeerProxy::hold(Exchange& exchange) {
  held_.pushBack(exchange);
  stats_.held.add();
}

bool PeerProxy::enter(const health::CircuitWord& word, bool inTurn) {
  noteCircuit(word);  // the word may be newer than what this worker was woken for
  if (!inTurn && heldTimer_->enabled() && !held_.empty()) return false;
  return ramp_->admit(context_.dispatcher.now());
}

void PeerProxy::remove(DownstreamConnection& connection) {
  auto node = connection.self;
  context_.dispatcher.deferredDelete(std::move(*node));
  connections_.erase(node);
}

PreparedReply PeerProxy::localReply(const Failure& failure, bool grpc) const {
  const health::CircuitWord now = word();
  const event::Dispatcher& dispatcher = context_.dispatcher;
  const LocalReplyContext context{options_.name, now, sinceOf(now, dispatcher.now(), dispatcher.wallNow())};
  return PreparedReply(makeLocalReply(failure, context, grpc));
}

const PreparedReply& PeerProxy::refusal(bool grpc) {
  const Failure& failure = refusalFailure(word());
  auto& prepared = refusals_[grpc ? 1 : 0];
  if (!prepared) prepared = std::make_unique<PreparedReply>(localReply(failure, grpc));
  return *prepared;
}

const Failure& PeerProxy::refusalFailure(const health::CircuitWord& word) {
  if (!refusalFailure_ || word.generation != refusalsGeneration_) {
    refusals_ = {};
    refusalFailure_ = std::make_unique<Failure>(refusalFor(word));
    refusalsGeneration_ = word.generation;
  }
  return *refusalFailure_;
}

template <typename Visit>
void PeerProxy::forEachPool(Visit visit) {
  for (auto& row : pools_) {
    for (auto& pool : row) {
      if (pool) visit(*pool);
    }
  }
}

void PeerProxy::onCircuitChange(TimePoint at) {
  const health::CircuitWord now = word();
  const bool open = now.circuit == health::CircuitState::kOpen;
  noteCircuit(now);
  if (now.verdict == health::Verdict::kSuspect) lookForLife();
  if (open && now.verdict == health::Verdict::kDead) {
    peerDied(at);
  } else if (open) {
    // Refusing, stalled, failing or closed by an operator: what is in flight may still end well. A process that
    // no longer listens may be finishing its last requests; if it is gone, its kernel says so on each connection.
    evictIdle();
    if (options_.onDead == OnDead::kRefuse) resetIdleDownstreams();
  }
  resumeHeld();
}

// Blame yourself first: before the peer's silence is judged, what its kernel said on this worker's connections is
// told to the prober, be it bytes that are still to be read or only ACKs of an upload.
void PeerProxy::lookForLife() {
  const TimePoint now = context_.dispatcher.now();
  upstream::KernelEvidence evidence;
  size_t budget = kLooksForLife;
  for (const bool busy : {true, false}) {
    forEachPool([&](upstream::ConnectionPool& pool) { pool.lookForLife(busy, now, budget, evidence); });
  }
  health::CircuitTable& table = context_.shared.table;
  // Every stamp is of when it happened, never of now: the last ACK of an idle connection is old and proves nothing,
  // and so do bytes that back-pressure has kept waiting. Nor must bytes seem younger than a stamp of themselves.
  if (evidence.acked > table.lastKernelHeard(options_.id)) table.stampKernelHeard(options_.id, evidence.acked);
  const TimePoint unread = evidence.unread - kKernelTick;
  if (unread > table.lastHeard(options_.id)) table.stampHeard(options_.id, unread);
}

void PeerProxy::peerDied(TimePoint at) {
  forEachPool([](upstream::ConnectionPool& pool) { pool.condemn(); });
  failing_ = true;
  diedAt_ = at;
  failedInFlight_ = 0;
  failExchanges(context_.dispatcher.now() + kSliceBudget);
  scheduleSlice();
}

// In slices, so that no exchange of a healthy peer waits for all of them: first those who wait for an answer, then
// what they leave behind, and the sockets that lead nowhere.
void PeerProxy::failSlice() {
  const TimePoint stop = context_.dispatcher.now() + kSliceBudget;
  if (failExchanges(stop) && clearBuried(stop) && abortConnections(stop)) return;
  scheduleSlice();
}

void PeerProxy::scheduleSlice() {
  if (sliceScheduled_) return;
  sliceScheduled_ = true;
  context_.dispatcher.post([this] {
    sliceScheduled_ = false;
    failSlice();
  });
}

bool PeerProxy::failExchanges(TimePoint stop) {
  if (!failing_) return true;
  const health::CircuitWord now = word();
  // Back already: what still hangs on a condemned connection is told when that is closed.
  const bool dead = now.circuit == health::CircuitState::kOpen && now.verdict == health::Verdict::kDead;
  if (dead && !failSome(now, stop)) return false;
  failing_ = false;
  if (dead && failedInFlight_ > 0) stats_.failInFlight.observe(context_.dispatcher.now() - diedAt_);
  return true;
}

bool PeerProxy::failSome(const health::CircuitWord& word, TimePoint stop) {
  const bool refuse = options_.onDead == OnDead::kRefuse;
  while (refuse ? !connections_.empty() : !exchanges_.empty()) {
    // Connection by connection: one write for all that it carries, and its client can go on while others wait.
    DownstreamConnection& connection = refuse ? *connections_.front() : exchanges_.front().downstream();
    const size_t failed = refuse ? connection.peerDied(word) : connection.failExchanges(word, stop);
    failedInFlight_ += failed;
    stats_.failedInFlightTotal.add(failed);
    if (context_.dispatcher.now() >= stop) break;
  }
  return refuse ? connections_.empty() : exchanges_.empty();
}

void PeerProxy::bury(std::list<std::unique_ptr<Exchange>>& from,
                     std::list<std::unique_ptr<Exchange>>::iterator exchange) {
  buried_.splice(buried_.end(), from, exchange);
}

bool PeerProxy::clearBuried(TimePoint stop) {
  while (!buried_.empty() && context_.dispatcher.now() < stop) {
    buried_.front()->writeLog();
    buried_.pop_front();
  }
  return buried_.empty();
}

bool PeerProxy::abortConnections(TimePoint stop) {
  bool done = true;
  forEachPool([&](upstream::ConnectionPool& pool) { done = pool.abortCondemned(stop) && done; });
  return done;
}

void PeerProxy::noteCircuit(const health::CircuitWord& word) {
  const bool outage = word.circuit != health::CircuitState::kClosed;
  if (outage == outage_) return;
  outage_ = outage;
  if (outage) {
    endRamp();
  } else {
    startRamp();
  }
}

void PeerProxy::startRamp() {
  const TimePoint now = context_.dispatcher.now();
  ramp_->start(now, std::uniform_real_distribution<double>(0, 1)(context_.random));
  connectLimit_.most = upstream::ConnectLimit::kReturning;
  heldTimer_->enable(ramp_->nextStep(now) - now);
}

void PeerProxy::endRamp() {
  ramp_->stop();
  connectLimit_.most = upstream::ConnectLimit::kUsual;
}

void PeerProxy::onHeldTimer() {
  const TimePoint now = context_.dispatcher.now();
  if (ramp_->ramping(now)) {
    heldTimer_->enable(ramp_->nextStep(now) - now);
  } else {
    endRamp();
    forEachPool([](upstream::ConnectionPool& pool) { pool.connectAsNeeded(); });
  }
  resumeHeld();
}

// As many as the ramp and a slice of the loop's time allow; the timer goes on.
void PeerProxy::resumeHeld() {
  const TimePoint stop = context_.dispatcher.now() + kSliceBudget;
  for (size_t n = held_.size(); n > 0 && !held_.empty(); --n) {
    const TimePoint now = context_.dispatcher.now();
    if (now >= stop) {
      heldTimer_->enable(Duration::zero());
      return;
    }
    const health::CircuitWord word = this->word();
    const Admission admission = admit(word, context_.shared.table.proberStalled(now));
    if (admission == Admission::kHold) return;
    if (admission == Admission::kFlow && !ramp_->mayAdmit(now)) return;
    held_.front().onTurn();
  }
}

void PeerProxy::resetIdleDownstreams() {
  for (auto next = connections_.begin(); next != connections_.end();) {
    DownstreamConnection& connection = **next++;
    if (!connection.busy()) connection.abort("the peer's circuit is open");
  }
}

void PeerProxy::drain() {
  acceptor_.stop();
  for (auto next = connections_.begin(); next != connections_.end();)
    (*next++)->drain();
  evictIdle();
}

void PeerProxy::evictIdle() {
  forEachPool([](upstream::ConnectionPool& pool) { pool.evictIdle(TimePoint::max()); });
}

void PeerProxy::abortAll() {
  while (!connections_.empty())
    connections_.front()->abort("the process ends");
}

void PeerProxy::sweep(TimePoint now) {
  for (auto next = connections_.begin(); next != connections_.end();)
    (*next++)->expire(now);
  forEachPool([now](upstream::ConnectionPool& pool) { pool.evictIdle(now); });
}

}  // namespace peerpulse::proxy
