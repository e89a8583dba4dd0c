// Pool: the keepalive connections of one worker to one peer for one traffic class, and the attempts that wait for one.
//
// Whatever happens (a connection becomes ready, busy or ends, somebody comes to wait, the verdict or a limit changes)
// leads to one settle(), which compares who waits with what there is and what is being opened. It alone serves, opens
// and turns away.
//
// Threading: its worker's thread. Callbacks may come from inside acquire() and settle().
// Invariants, after settle(), for each protocol:
//   - a connection is in exactly one list, the one of its state;
//   - nobody waits while a usable connection is ready;
//   - nobody waits without a connection being opened for him, unless a limit, the verdict, or both forbid it; idle
//     connections of the other protocol are no reason: they make room. One that is late with its connect, or that is not
//     acknowledged any more, is no promise, and counts against no limit: each of them has one other beside it at most;
//   - nobody waits while the circuit is open.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <string>

#include "flow_watch.h"
#include "peer_connectors.h"
#include "peerpulse/base/linked_list.h"
#include "peerpulse/net/destination.h"
#include "peerpulse/upstream/context.h"
#include "peerpulse/upstream/waiter.h"
#include "pool_policy.h"
#include "pooled_connection.h"
#include "reach.h"

namespace peerpulse::upstream {

/// How long the peer takes to answer a SYN, as this worker has seen it. Shared by the peer's pools.
struct ConnectTime {
  /// A SYN is repeated after one second: of what is answered later nobody knows when that was sent.
  static constexpr Duration kRepeated = seconds(1);
  /// Several round trips, and never so short that a busy host's own delays are taken for a loss.
  static constexpr Duration kLeastPatience = milliseconds(100);

  Duration smoothed{};

  void learn(Duration took) {
    if (took >= kRepeated) return;
    smoothed = smoothed == Duration::zero() ? took : (7 * smoothed + took) / 8;
  }
  /// RFC 8305 5: between two attempts of a race.
  Duration attemptDelay() const {
    if (smoothed == Duration::zero()) return net::kAttemptDelay;
    return std::clamp<Duration>(4 * smoothed, net::kMinAttemptDelay, net::kMaxAttemptDelay);
  }
  Duration patience() const { return std::max(kLeastPatience, 4 * smoothed); }
};

/// How many connections one worker may be opening to one peer at once. Shared by the peer's pools; each of them may
/// open one whatever the others do, so that none waits for ever.
struct ConnectLimit {
  static constexpr size_t kUsual = 128;    ///< the rest follow as these are established: no burst becomes a SYN flood
  static constexpr size_t kReturning = 8;  ///< the peer is just back from an outage
  size_t most = kUsual;
  size_t connecting = 0;
  ConnectTime time;
  /// There is room again after there was none: the pools that wait for it are to settle.
  std::function<void()> onRoom;

  bool full() const { return connecting >= most; }
};

/// When connections last heard of their peer, by what the kernel knows; TimePoint() if never.
struct KernelEvidence {
  TimePoint acked;   ///< its kernel acknowledged something
  TimePoint unread;  ///< bytes arrived that wait to be read
};

class Pool {
 public:
  /// References must outlive the pool. `reach`: read anew for each connection, a reload, a link or DNS may change it.
  Pool(Context& context, Reach& reach, TrafficClass trafficClass, ConnectLimit& limit);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// `protocol` must not be kAuto.
  void acquire(Waiter& waiter, Protocol protocol);
  /// The verdict, the circuit or a limit changed.
  void settle();
  /// The peer is dead: no connection is used or written to any more, whatever happens on it. Cheap: closing costs
  /// system calls, and those who wait for their answer come first.
  void condemn();
  /// Resets condemned connections until `stop`; false if there are more.
  bool abortCondemned(TimePoint stop);
  /// The peer's address changed: what leads to the old one ends with its streams.
  void renew();
  /// The same of what leads to an address that is no longer one of the peer's, or may.
  void leaveGone();
  /// Looks at connections with streams in flight (`busy`) or without, newest first, until `budget` is used up.
  void lookForLife(bool busy, TimePoint now, size_t& budget, KernelEvidence& evidence) const;
  /// Every second: closes idle connections that were unused too long, that nobody needed for kUnneeded beyond
  /// max_idle, or whose peer gave no sign of life; until `stop`, false if there are more.
  bool sweep(TimePoint now, TimePoint stop);
  /// Closes all idle connections, until `stop`; false if there are more.
  bool closeIdle(TimePoint stop);
  /// And those whose users have left them, whatever they still have to say to a peer that does not listen.
  bool closeUnused(TimePoint stop);

  size_t connections() const;
  size_t waiting() const;
  /// In the time of deadlines: since when the oldest of the connections that are being opened for this protocol is; nothing if none is: who waits
  /// then does so because a limit or the verdict allows no more.
  std::optional<TimePoint> openingSince(Protocol protocol) const;
  /// Whether the invariants hold; for tests and the simulation.
  bool settled() const;

  // For PooledConnection.
  Context& context() { return context_; }
  PeerId peer() const { return options().id; }
  PeerConnectors& connectors() { return connectors_; }
  const PeerOptions& options() const { return *reach_.options(); }
  /// Requires that an address is known.
  net::Destination destination() const;
  TrafficClass trafficClass() const { return class_; }
  stats::PeerStats& stats() { return stats_; }
  size_t streamsPerConnection(Protocol protocol) const;
  void transition(PooledConnection& connection, PooledConnection::State to);
  void onReady(PooledConnection& connection);
  void onStreamsChanged(PooledConnection& connection);
  void onGoingAway(PooledConnection& connection);
  void onUnreliable(PooledConnection& connection);
  void onConnectTimeout(PooledConnection& connection);
  void onLate(PooledConnection& connection);
  /// The peer's kernel has answered its SYN.
  void onAnswered(const PooledConnection& connection);
  Duration synPatience() const { return limit_.time.patience(); }
  /// What is opened now is opened beside one that is late.
  bool racing(Protocol protocol) const { return !lane(protocol).list(State::kLate).empty(); }

  // For its connections' flows (FlowWatch).
  /// The prober hears the peer: what one connection does not hear is that connection's trouble.
  bool peerLives() const;
  /// A connection that was begun after `since` was answered.
  bool answeredSince(const PooledConnection& connection, TimePoint since) const;
  /// Its silence has begun or ended.
  void onSilence(PooledConnection& connection);
  /// Another connection is to be opened beside the silent one, if none is being.
  void race(PooledConnection& connection);
  void onForgotten(PooledConnection& connection);
  /// Silent, and nobody uses it any more.
  void onUseless(PooledConnection& connection);
  void onEnded(PooledConnection& connection, const wire::End& end);

  /// Idle connections beyond max_idle are closed when nobody needed them for so long (HAProxy's purge delay): a burst
  /// must not close and open connections all the time.
  static constexpr Duration kUnneeded = seconds(5);

 private:
  using List = PooledConnection::List;
  using State = PooledConnection::State;
  static constexpr State kLiving[] = {State::kConnecting, State::kLate, State::kReady, State::kBusy,
                                      State::kDraining};

  /// What differs by protocol: the connections that speak it, and who wants it.
  struct Lane {
    Protocol protocol;
    std::array<List, PooledConnection::kListedStates> lists;  // by State, the last used first
    LinkedList<Waiter, WaiterTag> waiting;
    size_t silent = 0;         // of its living connections
    bool race = false;         // one is to be opened, whoever waits
    TimePoint answeredAt;      // of the connection that became ready last, when it was begun
    TimePoint doubtedFrom;     // while some are silent: whoever has not been heard since may be the next
    TimePoint forgottenUntil;  // who has not been heard since was forgotten, most likely
    List& list(State state) { return lists[static_cast<size_t>(state)]; }
    const List& list(State state) const { return lists[static_cast<size_t>(state)]; }
  };

  static size_t indexOf(Protocol protocol) { return protocol == Protocol::kHttp2 ? 1 : 0; }
  Lane& lane(Protocol protocol) { return lanes_[indexOf(protocol)]; }
  const Lane& lane(Protocol protocol) const { return lanes_[indexOf(protocol)]; }
  void serve(Lane& lane);
  void open(Lane& lane);
  PooledConnection* findReady(Lane& lane, const PoolPolicy& policy);
  PoolPolicy policy() const;
  bool full() const;
  static bool trusted(const Lane& lane, const PooledConnection& connection);
  bool mayConnect(const Lane& lane, const PoolPolicy& policy) const;
  PooledConnection* roomFor(const Lane& lane) const;
  size_t beingOpened(const Lane& lane) const;
  void connectFor(Lane& lane);
  void connectFailed(PooledConnection& connection, PoolFailure failure, const Error& error);
  void turnAway(Lane& lane, size_t count, PoolFailure failure, const Error& error);
  void evict(PooledConnection& connection, std::string_view why);
  void condemn(PooledConnection& connection);
  void retire(PooledConnection& connection);
  template <typename Work>
  void withoutSettling(Work work);
  /// `end` says whether it ended the connection that it got.
  template <typename End>
  bool endEach(Lane& lane, std::initializer_list<State> states, TimePoint stop, End end);
  template <typename Condition>
  bool closeIdleIf(Lane& lane, TimePoint stop, Condition condition);
  /// Of those left() since `since` or longer.
  bool abortLeft(Lane& lane, TimePoint since, TimePoint stop);

  Context& context_;
  Reach& reach_;
  const TrafficClass class_;
  ConnectLimit& limit_;
  PeerConnectors connectors_{context_, reach_.options()};
  stats::PeerStats& stats_;
  std::array<Lane, 2> lanes_;
  FlowWatch flowWatch_{*this};
  bool settling_ = false;  // or not to be settled now
  bool again_ = false;     // something changed meanwhile
  bool closing_ = false;
};

}  // namespace peerpulse::upstream
