#include "peerpulse/upstream/peer.h"

#include "admission.h"
#include "failure_queue.h"
#include "peer_governors.h"
#include "pool.h"
#include "reach.h"
#include "retry_budget.h"
#include "waiting_room.h"

namespace peerpulse::upstream {

namespace {

// Connections of a suspect peer whose kernel state is looked at, a microsecond each.
constexpr size_t kLooksForLife = 16;
// Ages of TCP_INFO come in steps of the kernel's tick, up to this.
constexpr Duration kKernelTick = milliseconds(10);

bool isDead(const health::CircuitWord& word) {
  return word.circuit == health::CircuitState::kOpen && word.verdict == health::Verdict::kDead;
}

}  // namespace

Peer::Peer(Context& context, PeerOptionsRef options)
    : context_(context),
      options_(std::move(options)),
      stats_(context.stats.peer(options_->id)),
      reach_(std::make_unique<Reach>(options_, context.table.direct(options_->id))),
      retryBudget_(std::make_unique<RetryBudget>()),
      failureQueue_(std::make_unique<FailureQueue>(context.io.scheduler)),
      governors_(std::make_unique<PeerGovernors>(context, options_->id)),
      connectLimit_(std::make_unique<ConnectLimit>()),
      waitingRoom_(std::make_unique<WaitingRoom>(*this, *connectLimit_)),
      death_(context.io.scheduler, [this](TimePoint stop) { return deathSlice(stop); }),
      idleClosing_(context.io.scheduler,
                   [this](TimePoint stop) {
                     bool done = true;
                     forEachPool([&](Pool& pool) {
                       done = (draining_ ? pool.closeUnused(stop) : pool.closeIdle(stop)) && done;
                     });
                     return done;
                   }),
      sweeping_(context.io.scheduler, [this](TimePoint stop) {
        bool done = true;
        forEachPool([&](Pool& pool) { done = pool.sweep(sweptAt_, stop) && done; });
        return done;
      }) {
  connectLimit_->onRoom = [this] { settlePools(); };
}

Peer::~Peer() { retire(); }

void Peer::update(PeerOptionsRef options) {
  options_ = std::move(options);
  renewReach();
}

void Peer::onLinkChange() { renewReach(); }

void Peer::renewReach() {
  if (!reach_->choose(options_, context_.table.direct(id()))) return;
  forEachPool([](Pool& pool) { pool.renew(); });
  settlePools();
  death_.start();  // of the connections that were being opened
}

void Peer::setAddresses(const AddressSet& addresses) {
  if (reach_->setAddresses(addresses)) {
    forEachPool([](Pool& pool) { pool.leaveGone(); });
    death_.start();  // of the connections that were being opened
  }
  settlePools();
}

void Peer::addressesFailed(Failure failure) {
  reach_->addressesFailed(std::move(failure));
  settlePools();
}

const PeerAddresses& Peer::addresses() const { return reach_->addresses(); }

template <typename Visit>
void Peer::forEachPool(Visit visit) const {
  for (const auto& pool : pools_) {
    if (pool) visit(*pool);
  }
}

Pool& Peer::pool(TrafficClass trafficClass) {
  auto& pool = pools_[static_cast<size_t>(trafficClass)];
  if (!pool) pool = std::make_unique<Pool>(context_, *reach_, trafficClass, *connectLimit_);
  return *pool;
}

Protocol Peer::protocolFor(const http::RequestHead& head) const {
  const PeerOptions& options = *reach_->options();
  const bool h1Upgrade = !head.upgrade.empty() && head.version != http::Version::kHttp2;
  const bool upgradeByH2 = options.protocol == Protocol::kHttp2 && !options.tunnelsByHttp1;
  if ((h1Upgrade && !upgradeByH2) || head.secondBody) return Protocol::kHttp1;
  if (options.protocol != Protocol::kAuto) return options.protocol;
  if (head.version != http::Version::kHttp2) return Protocol::kHttp1;
  // gRPC needs HTTP/2 whatever the peer seemed to speak; it fails there by what the peer says.
  const bool http1Only = context_.table.protocol(id()) == health::PeerProtocol::kHttp1;
  return http1Only && !head.isGrpc() ? Protocol::kHttp1 : Protocol::kHttp2;
}

const Failure& Peer::refusal(const health::CircuitWord& word) {
  if (word.generation != refusalGeneration_) {
    refusal_ = refusalFor(word);
    refusalGeneration_ = word.generation;
  }
  return refusal_;
}

bool Peer::enter(const health::CircuitWord& word, bool inTurn) { return waitingRoom_->mayGo(word, inTurn); }

void Peer::hold(Request& request) { waitingRoom_->add(request); }

bool Peer::mayAskTwice() { return retryBudget_->take(); }

size_t Peer::requestsHeld() const { return waitingRoom_->size(); }

size_t Peer::connections() const {
  size_t count = 0;
  forEachPool([&](const Pool& pool) { count += pool.connections(); });
  return count;
}

size_t Peer::waiting() const {
  size_t count = 0;
  forEachPool([&](const Pool& pool) { count += pool.waiting(); });
  return count;
}

std::optional<TimePoint> Peer::heldSince() const { return waitingRoom_->heldSince(); }

bool Peer::settled() const {
  if (failing_) return true;  // those who wait are told slice by slice
  bool good = true;
  forEachPool([&](const Pool& pool) { good = good && pool.settled(); });
  return good;
}

void Peer::settlePools() {
  forEachPool([](Pool& pool) { pool.settle(); });
}

// --- the circuit changes ---------------------------------------------------------------------------------------

void Peer::onCircuitChange(TimePoint at) {
  const health::CircuitWord now = word();
  if (now.verdict == health::Verdict::kSuspect) lookForLife();
  if (now.circuit != health::CircuitState::kClosed) governors_->reset();
  if (isDead(now)) {
    forEachPool([](Pool& pool) { pool.condemn(); });
    failing_ = true;
    diedAt_ = at;
    failedInFlight_ = 0;
    death_.start();  // those who wait for a connection are in flight, too
    waitingRoom_->onCircuitChange(now);
    return;
  }
  if (now.circuit == health::CircuitState::kOpen) {
    // Refusing, stalled, failing or closed by an operator: what is in flight may still end well. A process that
    // no longer listens may be finishing its last requests; if it is gone, its kernel says so on each connection.
    idleClosing_.start();
  }
  waitingRoom_->onCircuitChange(now);
  settlePools();
}

// Blame yourself first: before the peer's silence is judged, what its kernel said on this worker's connections is
// told to the prober, be it bytes that are still to be read or only ACKs of an upload.
void Peer::lookForLife() {
  const TimePoint now = context_.now();
  KernelEvidence evidence;
  size_t budget = kLooksForLife;
  for (const bool busy : {true, false}) {
    forEachPool([&](const Pool& pool) { pool.lookForLife(busy, now, budget, evidence); });
  }
  health::CircuitTable& table = context_.table;
  // Every stamp is of when it happened, never of now: the last ACK of an idle connection is old and proves nothing,
  // and so do bytes that back-pressure has kept waiting. Nor must bytes seem younger than a stamp of themselves.
  if (evidence.acked > table.lastKernelHeard(id())) table.stampKernelHeard(id(), evidence.acked);
  const TimePoint unread = evidence.unread - kKernelTick;
  if (unread > table.lastHeard(id())) table.stampHeard(id(), unread);
}

// First those who wait for an answer, then the sockets that lead nowhere.
bool Peer::deathSlice(TimePoint stop) {
  if (failing_) {
    const health::CircuitWord now = word();
    // Back already: what still hangs on a condemned connection is told when that is closed.
    if (isDead(now) && !failInFlight(now, stop)) return false;
    failing_ = false;
    if (isDead(now) && failedInFlight_ > 0) stats_.failInFlight.observe(context_.now() - diedAt_);
  }
  return abortCondemned(stop);
}

bool Peer::failInFlight(const health::CircuitWord& word, TimePoint stop) {
  const Failure& why = refusal(word);
  bool done = true;
  watchers_.forEach([&](PeerWatcher& watcher) { done = watcher.onPeerDead(why, stop) && done; });
  while (done && !inFlight_.empty()) {
    inFlight_.front().onPeerDown(why);
    if (context_.now() >= stop) break;
  }
  return done && inFlight_.empty();
}

// Also those whose owners give up in slices of their own, because their clients were cut off for this death.
void Peer::untrack(Request& request) {
  request.ListNode<InFlightTag>::unlink();
  if (!failing_ || !isDead(word())) return;
  ++failedInFlight_;
  stats_.failedInFlightTotal.add();
}

bool Peer::abortCondemned(TimePoint stop) {
  bool done = true;
  forEachPool([&](Pool& pool) { done = pool.abortCondemned(stop) && done; });
  return done;
}

void Peer::onLimitRaised() { settlePools(); }

// --- the rest --------------------------------------------------------------------------------------------------

void Peer::sweep(TimePoint now) {
  sweptAt_ = now;
  sweeping_.start();
  governors_->publish();
}

void Peer::drain() {
  draining_ = true;
  idleClosing_.start();
}

void Peer::retire() {
  waitingRoom_->clear();
  while (!inFlight_.empty())
    inFlight_.front().onPeerGone();
  forEachPool([](Pool& pool) {
    pool.condemn();
    pool.abortCondemned(TimePoint::max());
  });
}

}  // namespace peerpulse::upstream
