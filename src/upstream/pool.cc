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
    for (Lane& each : lanes_)
      settle(each);
  }
  settling_ = false;
  if (std::exchange(roomMade_, false) && limit_.onRoom) limit_.onRoom();
}

void Pool::settle(Lane& lane) {
  if (lane.waiting.empty()) return;
  const PoolPolicy allowed = policy();
  if (!allowed.wait) {
    turnAway(lane, lane.waiting.size(), PoolFailure::kCircuit, Error{"the circuit is open"});
    return;
  }
  while (!lane.waiting.empty()) {
    PooledConnection* connection = findReady(lane, allowed);
    if (connection == nullptr) break;
    Waiter& first = lane.waiting.front();
    first.unlink();
    first.onConnection(*connection);
  }
  while (beingOpened(lane) < lane.waiting.size() && mayConnect(lane, allowed))
    startConnect(lane);
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

std::optional<TimePoint> Pool::openingSince(Protocol protocol) const {
  const List& connecting = lane(protocol).list(State::kConnecting);
  if (connecting.empty()) return std::nullopt;
  return connecting.back()->openedAt_;
}

bool Pool::mayConnect(const Lane& lane, const PoolPolicy& policy) const {
  if (closing_ || !policy.connect || connections() >= context_.options->pool.maxConnections) return false;
  return lane.list(State::kConnecting).empty() || limit_.connecting < limit_.most;
}

void Pool::startConnect(Lane& lane) {
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
  if (from == State::kConnecting) {
    roomMade_ = roomMade_ || limit_.connecting >= limit_.most;
    --limit_.connecting;
  }
  connection.updateGauge();
  if (to == State::kClosed) {
    context_.io.scheduler.deferredDelete(std::move(*connection.self_));
    owner.list(from).erase(connection.self_);
    return;
  }
  owner.list(to).splice(owner.list(to).begin(), owner.list(from), connection.self_);
}

void Pool::onReady(PooledConnection& connection) {
  transition(connection, State::kReady);
  settle();
}

void Pool::onStreamsChanged(PooledConnection& connection) {
  connection.updateGauge();
  if (connection.state_ == State::kBusy && connection.mayTakeStream()) {
    transition(connection, State::kReady);
    settle();
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
  transition(connection, State::kDraining);
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
  transition(connection, State::kClosed);
  if (was == State::kConnecting && !closing_) {
    const bool timedOut = end.kind == wire::End::Kind::kLocal;
    connectFailed(connection, timedOut ? PoolFailure::kConnectTimeout : PoolFailure::kConnectFailed,
                  Error{std::string(end.detail), timedOut ? ETIMEDOUT : end.error});
  }
  settle();
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
      while (!each.list(state).empty()) {
        PooledConnection& connection = *each.list(state).front();
        connection.connectTimer_.reset();
        connection.codec_->abandon();
        connection.wire_->mute();
        transition(connection, State::kCondemned);
      }
    }
  }
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

void Pool::sweep(TimePoint now) {
  constexpr Duration kEvidenceTimeout = seconds(10);
  const PoolOptions& options = context_.options->pool;
  const TimePoint heard = context_.table.lastHeard(peer_->id);
  const bool silent = heard != TimePoint() && now - heard > kEvidenceTimeout &&
                      context_.table.load(peer_->id).verdict != health::Verdict::kAlive;
  for (Lane& each : lanes_) {
    size_t unneeded = 0;
    closeIdleIf(each, [&](const PooledConnection& connection) {
      const Duration idleFor = now - connection.idleSince_;
      // From the last used on: what comes later was unused for longer.
      if (idleFor >= kUnneeded) ++unneeded;
      return silent || idleFor >= options.idleTimeout || unneeded > options.maxIdlePerPeer;
    });
  }
}

template <typename Condition>
void Pool::closeIdleIf(Lane& lane, Condition condition) {
  const bool outermost = !std::exchange(settling_, true);  // nobody takes one of them while we look at them
  List& ready = lane.list(State::kReady);
  for (auto next = ready.begin(); next != ready.end();) {
    PooledConnection& connection = **next++;
    if (connection.idle() && condition(connection)) evict(connection, "idle for too long");
  }
  if (!outermost) return;
  settling_ = false;
  settle();
}

bool Pool::closeIdle(TimePoint stop) {
  bool done = true;
  for (Lane& each : lanes_) {
    closeIdleIf(each, [&](const PooledConnection&) {
      if (context_.now() >= stop) done = false;
      return done;
    });
  }
  return done;
}

}  // namespace peerpulse::upstream
