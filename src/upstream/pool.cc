#include "pool.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "peerpulse/base/assert.h"

namespace peerpulse::upstream {

namespace {

using State = PooledConnection::State;

constexpr State kCounted[] = {State::kConnecting, State::kReady, State::kBusy, State::kDraining};

bool legal(State from, State to) {
  switch (from) {
    case State::kConnecting: return to == State::kReady || to == State::kCondemned || to == State::kClosed;
    case State::kReady:
    case State::kBusy: return to != State::kConnecting && to != from;
    case State::kDraining: return to == State::kCondemned || to == State::kClosed;
    case State::kCondemned: return to == State::kClosed;
    case State::kClosed: return false;
  }
  return false;
}

}  // namespace

Pool::Pool(Context& context, const PeerOptionsRef& peer, TrafficClass trafficClass, ConnectLimit& limit)
    : context_(context), peer_(peer), class_(trafficClass), limit_(limit), stats_(context.stats.peer(peer->id)) {
  lanes_[0].protocol = Protocol::kHttp1;
  lanes_[1].protocol = Protocol::kHttp2;
}

Pool::~Pool() {
  closing_ = true;
  condemn();
  abortCondemned(TimePoint::max());
}

// --- waiting and serving ---------------------------------------------------------------------------------------

void Pool::acquire(Waiter& waiter, Protocol protocol) {
  PP_ASSERT(protocol != Protocol::kAuto);
  Lane& wanted = lane(protocol);
  if (wanted.waiting.empty()) {  // else he would be served before those who came first
    if (PooledConnection* connection = findReady(wanted, policy())) {
      waiter.onConnection(*connection);
      return;
    }
  }
  if (wanted.waiting.size() >= context_.options->pool.maxPending) {
    waiter.onNoConnection(PoolFailure::kOverflow, Error{"too many exchanges wait for a connection"});
    return;
  }
  wanted.waiting.pushBack(waiter);
  settle();
}

// Serving and turning away call back, which changes things again: then once more, from the outermost call.
void Pool::settle() {
  if (closing_) return;
  again_ = true;
  if (settling_) return;
  settling_ = true;
  while (again_) {
    again_ = false;
    // All are served before one may take another's idle connection for room.
    for (Lane& each : lanes_)
      serve(each);
    for (Lane& each : lanes_)
      open(each);
  }
  settling_ = false;
}

void Pool::serve(Lane& lane) {
  if (lane.waiting.empty()) return;
  const PoolPolicy allowed = policy();
  if (!allowed.wait) {
    turnAway(lane, lane.waiting.size(), PoolFailure::kCircuit, Error{"the circuit is open"});
    return;
  }
  while (!lane.waiting.empty()) {
    PooledConnection* connection = findReady(lane, allowed);
    if (connection == nullptr) return;
    Waiter& first = lane.waiting.front();
    first.unlink();
    first.onConnection(*connection);
  }
}

void Pool::open(Lane& lane) {
  if (lane.waiting.empty()) return;
  const PoolPolicy allowed = policy();
  while (beingOpened(lane) < lane.waiting.size() && mayConnect(lane, allowed))
    connectFor(lane);
}

PoolPolicy Pool::policy() const {
  return poolPolicy(context_.table.load(peer_->id), context_.table.proberStalled(context_.now()));
}

// Most recently used first: the others grow old and are evicted.
PooledConnection* Pool::findReady(Lane& lane, const PoolPolicy& policy) {
  List& ready = lane.list(State::kReady);
  for (auto next = ready.begin(); next != ready.end();) {
    PooledConnection& connection = **next++;
    if (!policy.reuse && connection.streamsOpened_ > 0) continue;
    if (!connection.stillGood()) {
      evict(connection, "the idle connection became readable");
      next = ready.begin();  // whoever was told may have changed the list
      continue;
    }
    if (connection.mayTakeStream()) return &connection;
    transition(connection, State::kBusy);
  }
  return nullptr;
}

size_t Pool::streamsPerConnection(Protocol protocol) const {
  return protocol == Protocol::kHttp2 ? context_.options->pool.maxStreamsPerConnection : 1;
}

size_t Pool::beingOpened(const Lane& lane) const {
  return lane.list(State::kConnecting).size() * streamsPerConnection(lane.protocol);
}

size_t Pool::connections() const {
  size_t count = 0;
  for (const Lane& each : lanes_) {
    for (const State state : kCounted)
      count += each.list(state).size();
  }
  return count;
}

size_t Pool::waiting() const { return lanes_[0].waiting.size() + lanes_[1].waiting.size(); }

bool Pool::full() const { return connections() >= context_.options->pool.maxConnections; }

bool Pool::opensNone(Protocol protocol) const { return beingOpened(lane(protocol)) == 0; }

bool Pool::mayConnect(const Lane& lane, const PoolPolicy& policy) const {
  if (closing_ || !policy.connect) return false;
  if (full() && roomFor(lane) == nullptr) return false;
  return lane.list(State::kConnecting).empty() || !limit_.full();
}

// A connection of the other protocol that nobody uses, the one unused for longest.
PooledConnection* Pool::roomFor(const Lane& lane) const {
  const List& ready = lanes_[1 - indexOf(lane.protocol)].list(State::kReady);
  const auto oldest = std::find_if(ready.rbegin(), ready.rend(), [](const auto& c) { return c->idle(); });
  return oldest == ready.rend() ? nullptr : oldest->get();
}

void Pool::connectFor(Lane& lane) {
  if (full()) evict(*roomFor(lane), "the room is needed");
  auto connection = std::make_unique<PooledConnection>(*this, lane.protocol);
  List& connecting = lane.list(State::kConnecting);
  connecting.push_front(std::move(connection));
  connecting.front()->self_ = connecting.begin();
  ++limit_.connecting;
  connecting.front()->updateGauge();
}

void Pool::turnAway(Lane& lane, size_t count, PoolFailure failure, const Error& error) {
  for (; count > 0 && !lane.waiting.empty(); --count) {
    Waiter& first = lane.waiting.front();
    first.unlink();
    first.onNoConnection(failure, error);
  }
}

bool Pool::settled() const {
  const PoolPolicy allowed = policy();
  for (const Lane& each : lanes_) {
    for (size_t state = 0; state < each.lists.size(); ++state) {
      for (const auto& connection : each.lists[state]) {
        if (static_cast<size_t>(connection->state_) != state) return false;
      }
    }
    if (each.waiting.empty()) continue;
    if (!allowed.wait) return false;
    const auto usable = [&](const auto& connection) {
      return (allowed.reuse || connection->streamsOpened_ == 0) && connection->mayTakeStream();
    };
    const List& ready = each.list(State::kReady);
    if (std::any_of(ready.begin(), ready.end(), usable)) return false;
    if (beingOpened(each) < each.waiting.size() && mayConnect(each, allowed)) return false;
  }
  return true;
}

// --- what happens to connections -------------------------------------------------------------------------------

void Pool::transition(PooledConnection& connection, State to) {
  const State from = connection.state_;
  PP_ASSERT(legal(from, to));
  Lane& owner = lane(connection.protocol_);
  connection.state_ = to;
  if (from == State::kConnecting) --limit_.connecting;
  connection.updateGauge();
  if (to == State::kClosed) {
    context_.io.scheduler.deferredDelete(std::move(*connection.self_));
    owner.list(from).erase(connection.self_);
    return;
  }
  owner.list(to).splice(owner.list(to).begin(), owner.list(from), connection.self_);
}

void Pool::onReady(PooledConnection& connection) {
  const bool limited = limit_.full();
  transition(connection, State::kReady);
  settle();
  if (limited && limit_.onRoom) limit_.onRoom();
}

void Pool::onStreamsChanged(PooledConnection& connection) {
  connection.updateGauge();
  if (connection.state_ == State::kBusy && connection.mayTakeStream()) {
    transition(connection, State::kReady);
    settle();
  } else if (connection.idle() && waiting() > 0) {
    settle();  // unused now, it may make room for one of the other protocol
  } else if (connection.state_ == State::kDraining && connection.activeStreams() == 0) {
    connection.wire_->close("drained");
  }
}

void Pool::onGoingAway(PooledConnection& connection) {
  transition(connection, State::kDraining);
  settle();
}

void Pool::onUnreliable(PooledConnection& connection) {
  stats_.evictionsTotal.add();
  retire(connection);
  settle();
}

void Pool::onConnectTimeout(PooledConnection& connection) {
  const Lane& owner = lane(connection.protocol_);
  PP_ASSERT(connection.state_ == State::kConnecting && !owner.list(State::kConnecting).empty());
  connection.wire_->abort("connect timed out");
}

// A connection that could not be opened takes with it as many as it would have served, if those being opened will not
// serve them; busy ones are no promise. For the others settle() opens another.
void Pool::onEnded(PooledConnection& connection, const wire::End& end) {
  if (connection.state_ == State::kClosed) return;
  const State was = connection.state_;
  const bool limited = limit_.full();
  transition(connection, State::kClosed);
  if (was == State::kConnecting && !closing_) {
    const bool timedOut = end.kind == wire::End::Kind::kLocal;
    connectFailed(connection, timedOut ? PoolFailure::kConnectTimeout : PoolFailure::kConnectFailed,
                  Error{std::string(end.detail), timedOut ? ETIMEDOUT : end.error});
  }
  settle();
  if (limited && !closing_ && limit_.onRoom) limit_.onRoom();
}

void Pool::connectFailed(PooledConnection& connection, PoolFailure failure, const Error& error) {
  stats_.connectFailuresTotal.add();
  Lane& owner = lane(connection.protocol_);
  const size_t served = beingOpened(owner);
  if (owner.waiting.size() <= served) return;
  turnAway(owner, std::min(owner.waiting.size() - served, streamsPerConnection(owner.protocol)), failure, error);
}

void Pool::evict(PooledConnection& connection, std::string_view why) {
  stats_.evictionsTotal.add();
  connection.wire_->close(why);
}

void Pool::condemn() {
  for (Lane& each : lanes_) {
    for (const State state : kCounted) {
      while (!each.list(state).empty())
        condemn(*each.list(state).front());
    }
  }
}

void Pool::condemn(PooledConnection& connection) {
  connection.connectTimer_.reset();
  connection.codec_->abandon();
  connection.wire_->mute();
  transition(connection, State::kCondemned);
}

bool Pool::abortCondemned(TimePoint stop) {
  bool done = true;
  for (Lane& each : lanes_) {
    List& condemned = each.list(State::kCondemned);
    while (!condemned.empty() && context_.now() < stop)
      condemned.front()->wire_->abort("the peer is dead");
    done = done && condemned.empty();
  }
  return done;
}

void Pool::renew() {
  const bool outermost = !std::exchange(settling_, true);  // nobody takes one of the old ones
  for (Lane& each : lanes_) {
    while (!each.list(State::kConnecting).empty())
      condemn(*each.list(State::kConnecting).front());
    for (const State state : {State::kReady, State::kBusy}) {
      while (!each.list(state).empty())
        retire(*each.list(state).front());
    }
  }
  if (!outermost) return;
  settling_ = false;
  settle();
}

// Ends with its streams.
void Pool::retire(PooledConnection& connection) {
  transition(connection, State::kDraining);
  connection.codec_->drain();
  connection.wire_->outputReady();
}

void Pool::lookForLife(bool busy, TimePoint now, size_t& budget, KernelEvidence& evidence) const {
  for (const Lane& each : lanes_) {
    for (const State state : {State::kBusy, State::kReady, State::kDraining}) {
      for (const auto& connection : each.list(state)) {
        if (budget == 0) return;
        if (busy != (connection->activeStreams() > 0)) continue;
        --budget;
        const auto heard = connection->wire_->lastHeard();
        if (!heard) continue;
        evidence.acked = std::max(evidence.acked, now - heard->ack);
        if (heard->unread) evidence.unread = std::max(evidence.unread, now - *heard->unread);
      }
    }
  }
}

bool Pool::sweep(TimePoint now, TimePoint stop) {
  constexpr Duration kEvidenceTimeout = seconds(10);
  const PoolOptions& options = context_.options->pool;
  const TimePoint heard = context_.table.lastHeard(peer_->id);
  const bool silent = heard != TimePoint() && now - heard > kEvidenceTimeout &&
                      context_.table.load(peer_->id).verdict != health::Verdict::kAlive;
  bool done = true;
  for (Lane& each : lanes_) {
    size_t unneeded = 0;
    const auto tooLong = [&](const PooledConnection& connection) {
      const Duration idleFor = now - connection.idleSince_;
      // From the last used on: what comes later was unused for longer.
      if (idleFor >= kUnneeded) ++unneeded;
      return silent || idleFor >= options.idleTimeout || unneeded > options.maxIdlePerPeer;
    };
    done = done && closeIdleIf(each, stop, tooLong);
  }
  return done;
}

bool Pool::closeIdle(TimePoint stop) {
  const auto all = [](const PooledConnection&) { return true; };
  return closeIdleIf(lanes_[0], stop, all) && closeIdleIf(lanes_[1], stop, all);
}

// Closing costs system calls: one at least, then until `stop`. False if there may be more.
template <typename Condition>
bool Pool::closeIdleIf(Lane& lane, TimePoint stop, Condition condition) {
  const bool outermost = !std::exchange(settling_, true);  // nobody takes one of them while we look at them
  bool inTime = true;
  List& ready = lane.list(State::kReady);
  for (auto next = ready.begin(); inTime && next != ready.end();) {
    PooledConnection& connection = **next++;
    if (!connection.idle() || !condition(connection)) continue;
    evict(connection, "idle for too long");
    inTime = context_.now() < stop;
  }
  if (outermost) {
    settling_ = false;
    settle();
  }
  return inTime;
}

}  // namespace peerpulse::upstream
