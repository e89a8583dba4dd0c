// Pool: what happens to its connections.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "peerpulse/base/assert.h"
#include "peerpulse/upstream/failure.h"
#include "pool.h"

namespace peerpulse::upstream {

namespace {

bool legal(PooledConnection::State from, PooledConnection::State to) {
  using State = PooledConnection::State;
  switch (from) {
    case State::kConnecting: return to != State::kConnecting && to != State::kBusy && to != State::kDraining;
    case State::kLate: return to == State::kReady || to == State::kCondemned || to == State::kClosed;
    case State::kReady:
    case State::kBusy: return to != State::kConnecting && to != State::kLate && to != from;
    case State::kDraining: return to == State::kCondemned || to == State::kClosed;
    case State::kCondemned: return to == State::kClosed;
    case State::kClosed: return false;
  }
  return false;
}

}  // namespace

void Pool::transition(PooledConnection& connection, State to) {
  const State from = connection.state_;
  PP_ASSERT(legal(from, to));
  Lane& owner = lane(connection.protocol_);
  connection.state_ = to;
  if (from == State::kConnecting) --limit_.connecting;
  const bool ends = to == State::kCondemned || to == State::kClosed;
  if (ends && from != State::kCondemned && connection.silent()) --owner.silent;
  if (ends) connection.ListNode<FlowTag>::unlink();
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
  Lane& owner = lane(connection.protocol_);
  owner.answeredAt = std::max(owner.answeredAt, connection.openedAt_);
  const bool inTime = connection.state_ == State::kConnecting;
  transition(connection, State::kReady);
  // It was sooner than the one beside which it was opened, of which nobody needs to hear any more.
  const List& late = owner.list(State::kLate);
  if (inTime && !late.empty()) {
    PooledConnection& outrun = *late.back();
    condemn(outrun);
    outrun.wire_->abort("another connection was sooner");
  }
  settle();
  if (limited && limit_.onRoom) limit_.onRoom();
}

void Pool::onStreamsChanged(PooledConnection& connection) {
  connection.updateGauge();
  if (connection.activeStreams() > 0) flowWatch_.add(connection);
  if (connection.wornOut() && (connection.state_ == State::kBusy || connection.state_ == State::kReady)) {
    stats_.evictionsTotal.add();
    retire(connection);
    settle();
    return;
  }
  if (connection.state_ == State::kBusy && connection.mayTakeStream()) {
    transition(connection, State::kReady);
    settle();
  } else if (connection.idle() && waiting() > 0) {
    settle();  // unused now, it may make room for one of the other protocol
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
  PP_ASSERT(connection.state_ == State::kConnecting || connection.state_ == State::kLate);
  connection.wire_->abort("connect timed out");
}

void Pool::onLate(PooledConnection& connection) {
  const bool limited = limit_.full();
  stats_.lateConnectsTotal.add();
  transition(connection, State::kLate);
  settle();
  if (limited && limit_.onRoom) limit_.onRoom();
}

// A connection that could not be opened takes with it as many as it would have served, if those being opened will not
// serve them; busy ones are no promise. For the others settle() opens another.
void Pool::onEnded(PooledConnection& connection, const wire::End& end) {
  if (connection.state_ == State::kClosed) return;
  const State was = connection.state_;
  const bool limited = limit_.full();
  transition(connection, State::kClosed);
  if ((was == State::kConnecting || was == State::kLate) && !closing_) {
    const bool timedOut = end.kind == wire::End::Kind::kLocal;
    // A race may have had no time for all of the peer's addresses: the next one begins with another.
    reach_.addresses().order().rotate();
    connectFailed(connection, timedOut ? PoolFailure::kConnectTimeout : PoolFailure::kConnectFailed,
                  Error{std::string(end.detail), timedOut ? ETIMEDOUT : end.error});
  }
  settle();
  if (limited && !closing_ && limit_.onRoom) limit_.onRoom();
}

void Pool::connectFailed(PooledConnection& connection, PoolFailure failure, const Error& error) {
  const Party party = error.code != 0 ? connectFailure(error.code, {}).party : Party::kPeer;
  if (party == Party::kPeer) stats_.connectFailuresTotal.add();
  if (party == Party::kHost) stats_.connectsNotMadeTotal.add();
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
    for (const State state : kLiving) {
      while (!each.list(state).empty()) {
        if (state == State::kReady || state == State::kBusy) stats_.evictionsTotal.add();
        condemn(*each.list(state).front());
      }
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

void Pool::onAnswered(const PooledConnection& connection) {
  // Of one that had to wait for others to fail nobody knows how quick it was.
  net::AddressOrder& order = reach_.addresses().order();
  const SocketAddress remote = order.size() > 1 ? connection.remote() : SocketAddress();
  if (order.size() == 1 || remote == order.first()) limit_.time.learn(context_.now() - connection.openedAt_);
  order.answered(remote);
}

void Pool::leaveGone() {
  withoutSettling([this] {
    for (Lane& each : lanes_) {
      for (const State state : {State::kConnecting, State::kLate}) {
        while (!each.list(state).empty())
          condemn(*each.list(state).front());
      }
      for (const State state : {State::kReady, State::kBusy}) {
        List& list = each.list(state);
        for (auto next = list.begin(); next != list.end();) {
          PooledConnection& connection = **next++;
          if (!reach_.addresses().order().has(connection.remote())) retire(connection);
        }
      }
    }
  });
}

void Pool::renew() {
  withoutSettling([this] {  // nobody takes one of the old ones
    for (Lane& each : lanes_) {
      for (const State state : {State::kConnecting, State::kLate}) {
        while (!each.list(state).empty())
          condemn(*each.list(state).front());
      }
      for (const State state : {State::kReady, State::kBusy}) {
        while (!each.list(state).empty())
          retire(*each.list(state).front());
      }
    }
  });
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

// --- flows -----------------------------------------------------------------------------------------------------

bool Pool::peerLives() const {
  const bool stale = context_.table.proberStalled(context_.now());
  return !stale && context_.table.load(peer()).verdict == health::Verdict::kAlive;
}

bool Pool::answeredSince(const PooledConnection& connection, TimePoint since) const {
  return lane(connection.protocol_).answeredAt >= since;
}

void Pool::onSilence(PooledConnection& connection) {
  Lane& owner = lane(connection.protocol_);
  if (connection.silent()) {
    // What was lost first was sent before that; who was heard later was heard after the path had forgotten this one.
    if (owner.silent++ == 0) owner.doubtedFrom = context_.now() - FlowSilence::kLeast;
    if (connection.state_ == State::kReady) transition(connection, State::kBusy);
    race(connection);
    return;
  }
  --owner.silent;
  if (connection.state_ == State::kBusy && connection.mayTakeStream()) transition(connection, State::kReady);
  settle();
}

void Pool::race(PooledConnection& connection) {
  lane(connection.protocol_).race = true;
  settle();
}

void Pool::onForgotten(PooledConnection& connection) {
  Lane& owner = lane(connection.protocol_);
  owner.forgottenUntil = owner.doubtedFrom;
  stats_.forgottenTotal.add();
  stats_.evictionsTotal.add();
  connection.wire_->abort("the path has forgotten the connection: the peer answers on others");
}

void Pool::onUseless(PooledConnection& connection) {
  stats_.evictionsTotal.add();
  connection.wire_->abort("nothing is acknowledged, and nobody waits");
}

bool Pool::sweep(TimePoint now, TimePoint stop) {
  constexpr Duration kEvidenceTimeout = seconds(10);
  const PoolOptions& options = context_.options->pool;
  const TimePoint heard = context_.table.lastHeard(peer());
  const bool silent = heard != TimePoint() && now - heard > kEvidenceTimeout &&
                      context_.table.load(peer()).verdict != health::Verdict::kAlive;
  bool done = true;
  for (Lane& each : lanes_) {
    for (const State state : {State::kReady, State::kBusy, State::kDraining}) {
      for (const auto& connection : each.list(state))
        connection->tellTime(now);
    }
    size_t unneeded = 0;
    const auto tooLong = [&](const PooledConnection& connection) {
      const Duration idleFor = now - connection.idleSince_;
      // From the last used on: what comes later was unused for longer.
      if (idleFor >= kUnneeded) ++unneeded;
      const bool forgotten = connection.heardAt_ < each.forgottenUntil;
      return silent || forgotten || idleFor >= options.idleTimeout || unneeded > options.maxIdlePerPeer;
    };
    done = done && closeIdleIf(each, stop, tooLong);
    done = done && abortLeft(each, now - options.idleTimeout, stop);
  }
  return done;
}

// Nobody else would notice: a peer that acknowledges with a closed window may do so for ever.
bool Pool::abortLeft(Lane& lane, TimePoint since, TimePoint stop) {
  return endEach(lane, {State::kBusy, State::kDraining}, stop, [&](PooledConnection& connection) {
    if (!connection.left() || connection.idleSince_ > since) return false;
    stats_.evictionsTotal.add();
    connection.wire_->abort("the peer does not take what was left for it");
    return true;
  });
}

bool Pool::closeUnused(TimePoint stop) {
  return closeIdle(stop) && abortLeft(lanes_[0], TimePoint::max(), stop) &&
         abortLeft(lanes_[1], TimePoint::max(), stop);
}

bool Pool::closeIdle(TimePoint stop) {
  const auto all = [](const PooledConnection&) { return true; };
  return closeIdleIf(lanes_[0], stop, all) && closeIdleIf(lanes_[1], stop, all);
}

template <typename Condition>
bool Pool::closeIdleIf(Lane& lane, TimePoint stop, Condition condition) {
  return endEach(lane, {State::kReady}, stop, [&](PooledConnection& connection) {
    if (!connection.idle() || !condition(connection)) return false;
    evict(connection, "idle for too long");
    return true;
  });
}

// Ending costs system calls: one at least, then until `stop`. False if there may be more.
template <typename End>
bool Pool::endEach(Lane& lane, std::initializer_list<State> states, TimePoint stop, End end) {
  bool inTime = true;
  withoutSettling([&] {  // nobody takes one of them while we look at them
    for (const State state : states) {
      List& list = lane.list(state);
      for (auto next = list.begin(); inTime && next != list.end();) {
        if (end(**next++)) inTime = context_.now() < stop;
      }
    }
  });
  return inTime;
}

// What `work` changes is settled after it.
template <typename Work>
void Pool::withoutSettling(Work work) {
  const bool outermost = !std::exchange(settling_, true);
  work();
  if (!outermost) return;
  settling_ = false;
  settle();
}

}  // namespace peerpulse::upstream
