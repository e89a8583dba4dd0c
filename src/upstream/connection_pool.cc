#include "peerpulse/upstream/connection_pool.h"

#include <algorithm>

#include "peerpulse/base/assert.h"

namespace peerpulse::upstream {

ConnectionPool::ConnectionPool(PoolContext& context, PeerId peer, const SocketAddress& address, Protocol protocol,
                               TrafficClass trafficClass, Duration connectTimeout, ConnectLimit& limit,
                               stats::PeerStats& stats)
    : context_(context),
      peer_(peer),
      address_(address),
      protocol_(protocol),
      class_(trafficClass),
      connectTimeout_(connectTimeout),
      limit_(limit),
      stats_(stats) {
  PP_ASSERT(protocol != Protocol::kAuto);
}

ConnectionPool::~ConnectionPool() {
  closing_ = true;
  condemn();
  abortCondemned(TimePoint::max());
}

void ConnectionPool::acquire(PendingRequest& request) {
  if (PooledConnection* connection = findReady()) {
    request.onPoolReady(*connection);
    return;
  }
  if (pending_.size() >= context_.options.maxPending) {
    request.onPoolFailure(PoolFailure::kOverflow, Error{"too many exchanges wait for a connection"});
    return;
  }
  pending_.pushBack(request);
  connectAsNeeded();
}

// Most recently used first: the others grow old and are evicted.
PooledConnection* ConnectionPool::findReady() {
  List& ready = list(State::kReady);
  while (!ready.empty()) {
    PooledConnection& connection = *ready.front();
    if (protocol_ == Protocol::kHttp1 && connection.streamsOpened_ > 0 && connection.readableNow()) {
      connection.shut("the idle connection became readable", false);
      stats_.evictionsTotal.add();
      continue;
    }
    if (connection.codec_->canOpenStream()) return &connection;
    transition(connection, State::kBusy);
  }
  return nullptr;
}

size_t ConnectionPool::streamsPerConnection() const {
  return protocol_ == Protocol::kHttp2 ? context_.options.maxStreamsPerConnection : 1;
}

size_t ConnectionPool::connectionCount() const {
  size_t count = 0;
  for (const State state : {State::kConnecting, State::kReady, State::kBusy, State::kDraining}) {
    count += list(state).size();
  }
  return count;
}

void ConnectionPool::connectAsNeeded() {
  while (!closing_ && list(State::kConnecting).size() * streamsPerConnection() < pending_.size() && mayConnect())
    startConnect();
}

bool ConnectionPool::mayConnect() const {
  if (connectionCount() >= context_.options.maxConnections) return false;
  return list(State::kConnecting).empty() || limit_.connecting < limit_.most;
}

void ConnectionPool::startConnect() {
  auto connection = std::make_unique<PooledConnection>(*this);
  List& connecting = list(State::kConnecting);
  connecting.push_front(std::move(connection));
  connecting.front()->self_ = connecting.begin();
  ++limit_.connecting;
  connecting.front()->updateGauge();
}

void ConnectionPool::servePending() {
  while (!pending_.empty()) {
    PooledConnection* connection = findReady();
    if (connection == nullptr) break;
    PendingRequest& request = pending_.front();
    request.unlink();
    request.onPoolReady(*connection);
  }
  connectAsNeeded();
}

void ConnectionPool::onConnectionReady(PooledConnection& connection) {
  transition(connection, State::kReady);
  servePending();
  context_.flushQueue.add(connection);
}

// One failed connection fails no more requests than it would have served; for the others another is opened.
void ConnectionPool::onConnectFailed(PooledConnection& connection, PoolFailure failure, const Error& error) {
  stats_.connectFailuresTotal.add();
  connection.shut(error.message, true);
  const size_t served = (list(State::kConnecting).size() + list(State::kBusy).size()) * streamsPerConnection();
  // Those whom the other connections will serve just wait: trying again for them would be a loop without an end.
  if (pending_.size() <= served) return;
  failPending(std::min(pending_.size() - served, streamsPerConnection()), failure, error);
  connectAsNeeded();
}

void ConnectionPool::failPending(size_t count, PoolFailure failure, const Error& error) {
  for (; count > 0 && !pending_.empty(); --count) {
    PendingRequest& request = pending_.front();
    request.unlink();
    request.onPoolFailure(failure, error);
  }
}

void ConnectionPool::onStreamsChanged(PooledConnection& connection) {
  connection.updateGauge();
  const bool usable = connection.codec_->canOpenStream() && connection.activeStreams() < streamsPerConnection();
  if (connection.state_ == State::kBusy && usable) {
    transition(connection, State::kReady);
    servePending();
    if (!connection.idle()) return;
    const size_t idle = static_cast<size_t>(std::count_if(list(State::kReady).begin(), list(State::kReady).end(),
                                                          [](const auto& c) { return c->idle(); }));
    if (idle > context_.options.maxIdlePerPeer) connection.shut("enough idle connections", false);
  } else if (connection.state_ == State::kDraining && connection.activeStreams() == 0) {
    connection.shut("drained", false);
  }
}

void ConnectionPool::transition(PooledConnection& connection, State to) {
  const State from = connection.state_;
  PP_ASSERT(from != State::kClosed && from != to);
  connection.state_ = to;
  if (from == State::kConnecting) --limit_.connecting;
  connection.updateGauge();
  if (to == State::kClosed) {
    context_.dispatcher.deferredDelete(std::move(*connection.self_));
    list(from).erase(connection.self_);
    return;
  }
  list(to).splice(list(to).begin(), list(from), connection.self_);
}

void ConnectionPool::condemn() {
  for (const State state : {State::kConnecting, State::kReady, State::kBusy, State::kDraining}) {
    while (!list(state).empty()) {
      PooledConnection& connection = *list(state).front();
      connection.connectTimer_.reset();
      connection.codec_->abandon();
      transition(connection, State::kCondemned);
    }
  }
}

bool ConnectionPool::abortCondemned(TimePoint stop) {
  List& condemned = list(State::kCondemned);
  while (!condemned.empty() && context_.dispatcher.now() < stop)
    condemned.front()->shut("the peer is dead", true);
  return condemned.empty();
}

void ConnectionPool::lookForLife(bool busy, TimePoint now, size_t& budget, KernelEvidence& evidence) const {
  for (const State state : {State::kBusy, State::kReady, State::kDraining}) {
    for (const auto& connection : list(state)) {
      if (budget == 0) return;
      if (busy != (connection->activeStreams() > 0)) continue;
      --budget;
      const auto heard = connection->connection_->lastHeard();
      if (!heard) continue;
      evidence.acked = std::max(evidence.acked, now - heard->ack);
      if (heard->unread) evidence.unread = std::max(evidence.unread, now - *heard->unread);
    }
  }
}

void ConnectionPool::evictIdle(TimePoint now) {
  constexpr Duration kEvidenceTimeout = seconds(10);
  const TimePoint heard = context_.table.lastHeard(peer_);
  const bool silent = heard != TimePoint() && now - heard > kEvidenceTimeout &&
                      context_.table.load(peer_).verdict != health::Verdict::kAlive;
  List& ready = list(State::kReady);
  for (auto next = ready.begin(); next != ready.end();) {
    PooledConnection& connection = **next++;
    if (!connection.idle()) continue;
    if (!silent && now - connection.idleSince_ < context_.options.idleTimeout) continue;
    stats_.evictionsTotal.add();
    connection.shut("idle for too long", false);
  }
}

}  // namespace peerpulse::upstream
