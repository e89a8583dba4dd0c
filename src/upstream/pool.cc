// Pool: who waits, who is served, and what is opened for the others.
#include "pool.h"

#include <algorithm>
#include <utility>

#include "peerpulse/base/assert.h"

namespace peerpulse::upstream {

Pool::Pool(Context& context, Reach& reach, TrafficClass trafficClass, ConnectLimit& limit)
    : context_(context), reach_(reach), class_(trafficClass), limit_(limit), stats_(context.stats.peer(peer())) {
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
    stats_.pendingRefusals.add();
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
    if (connection == nullptr) break;
    Waiter& first = lane.waiting.front();
    first.unlink();
    first.onConnection(*connection);
  }
  if (reach_.addresses().state() == PeerAddresses::State::kFailed) {
    turnAway(lane, lane.waiting.size(), PoolFailure::kNoAddress, Error{"the peer's name leads nowhere"});
  }
}

void Pool::open(Lane& lane) {
  if (lane.waiting.empty() && !lane.race) return;
  const PoolPolicy allowed = policy();
  // Tried once for each time that it was asked for.
  if (std::exchange(lane.race, false) && lane.list(State::kConnecting).empty() && mayConnect(lane, allowed)) {
    connectFor(lane);
  }
  while (beingOpened(lane) < lane.waiting.size() && mayConnect(lane, allowed))
    connectFor(lane);
}

PoolPolicy Pool::policy() const {
  return poolPolicy(context_.table.load(peer()), context_.table.proberStalled(context_.now()));
}

// Most recently used first: the others grow old and are evicted.
PooledConnection* Pool::findReady(Lane& lane, const PoolPolicy& policy) {
  List& ready = lane.list(State::kReady);
  for (auto next = ready.begin(); next != ready.end();) {
    PooledConnection& connection = **next++;
    if (!policy.reuse && connection.streamsOpened_ > 0) continue;
    if (!trusted(lane, connection)) continue;
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
    for (const State state : kLiving)
      count += each.list(state).size();
  }
  return count;
}

size_t Pool::waiting() const { return lanes_[0].waiting.size() + lanes_[1].waiting.size(); }

// Each that is late or silent may have one beside it: twice the limit at the most.
bool Pool::full() const {
  const size_t limit = context_.options->pool.maxConnections;
  size_t doubtful = 0;
  for (const Lane& each : lanes_)
    doubtful += each.silent + each.list(State::kLate).size();
  return connections() - std::min(doubtful, limit) >= limit;
}

bool Pool::trusted(const Lane& lane, const PooledConnection& connection) {
  if (connection.heardAt_ < lane.forgottenUntil) return false;
  return lane.silent == 0 || connection.heardAt_ >= lane.doubtedFrom;
}

std::optional<TimePoint> Pool::openingSince(Protocol protocol) const {
  std::optional<TimePoint> oldest;
  for (const State state : {State::kConnecting, State::kLate}) {
    for (const auto& connection : lane(protocol).list(state)) {
      if (!oldest || connection->askedAt_ < *oldest) oldest = connection->askedAt_;
    }
  }
  return oldest;
}

bool Pool::mayConnect(const Lane& lane, const PoolPolicy& policy) const {
  if (closing_ || !policy.connect || reach_.addresses().order().empty()) return false;
  if (full() && roomFor(lane) == nullptr) return false;
  return lane.list(State::kConnecting).empty() || !limit_.full();
}

// A connection that nobody uses, of the other protocol or one that is not to be used; the one unused for longest.
PooledConnection* Pool::roomFor(const Lane& lane) const {
  for (const Lane& each : lanes_) {
    const List& ready = each.list(State::kReady);
    const auto unused = [&](const auto& c) { return c->idle() && (&each != &lane || !trusted(each, *c)); };
    const auto oldest = std::find_if(ready.rbegin(), ready.rend(), unused);
    if (oldest != ready.rend()) return oldest->get();
  }
  return nullptr;
}

net::Destination Pool::destination() const {
  return net::Destination(reach_.addresses().order().inOrder(), limit_.time.attemptDelay());
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
    if (each.race) return false;
    for (size_t state = 0; state < each.lists.size(); ++state) {
      for (const auto& connection : each.lists[state]) {
        if (static_cast<size_t>(connection->state_) != state) return false;
      }
    }
    if (each.waiting.empty()) continue;
    if (!allowed.wait) return false;
    const auto usable = [&](const auto& connection) {
      return (allowed.reuse || connection->streamsOpened_ == 0) && trusted(each, *connection) &&
             connection->mayTakeStream();
    };
    const List& ready = each.list(State::kReady);
    if (std::any_of(ready.begin(), ready.end(), usable)) return false;
    if (beingOpened(each) < each.waiting.size() && mayConnect(each, allowed)) return false;
  }
  return true;
}

}  // namespace peerpulse::upstream
