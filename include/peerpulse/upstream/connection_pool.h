// ConnectionPool: the keepalive connections of one worker to one peer for one traffic class and protocol, and
// the exchanges that wait for one.
//
// Threading: its worker's thread. Callbacks may come from inside acquire().
// Invariants: a connection is in exactly one list, the one of its state; pending requests wait only while no
//   connection is Ready; connecting connections never outnumber what the pending requests need.
#pragma once

#include <array>
#include <string>

#include "peerpulse/base/linked_list.h"
#include "peerpulse/base/peer_id.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/net/read_blocks.h"
#include "peerpulse/stats/peer_stats.h"
#include "peerpulse/upstream/options.h"
#include "peerpulse/upstream/pooled_connection.h"

namespace peerpulse::upstream {

/// Why a request got no connection.
enum class PoolFailure : uint8_t {
  kConnectFailed,  ///< `error` says why (ECONNREFUSED, EHOSTUNREACH, ...)
  kConnectTimeout,
  kOverflow,  ///< too many wait already

};

struct PendingTag {};

/// An exchange that wants a connection. Leaving the list (unlink()) cancels the request.
class PendingRequest : public ListNode<PendingTag> {
 public:
  virtual ~PendingRequest() = default;
  /// `connection` is Ready: a stream must be opened on it during this call.
  virtual void onPoolReady(PooledConnection& connection) = 0;
  virtual void onPoolFailure(PoolFailure failure, const Error& error) = 0;
};

/// What all pools of a worker share.
struct PoolContext {
  event::Dispatcher& dispatcher;
  net::ReadBlocks& blocks;
  net::FlushQueue& flushQueue;
  health::CircuitTable& table;
  const PoolOptions& options;
  const TcpOptions& tcp;
  http::CodecLimits limits;
};

/// How many connections one worker may be opening to one peer at once. Shared by the peer's pools; each of them may
/// open one whatever the others do, so that none waits for ever.
struct ConnectLimit {
  static constexpr size_t kUsual = 128;    ///< the rest follow as these are established: no burst becomes a SYN flood
  static constexpr size_t kReturning = 8;  ///< the peer is just back from an outage
  size_t most = kUsual;
  size_t connecting = 0;
};

/// When connections last heard of their peer, by what the kernel knows; TimePoint() if never.
struct KernelEvidence {
  TimePoint acked;   ///< its kernel acknowledged something
  TimePoint unread;  ///< bytes arrived that wait to be read
};

class ConnectionPool {
 public:
  /// `protocol` must not be kAuto. References must outlive the pool.
  ConnectionPool(PoolContext& context, PeerId peer, const SocketAddress& address, Protocol protocol,
                 TrafficClass trafficClass, Duration connectTimeout, ConnectLimit& limit, stats::PeerStats& stats);
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  void acquire(PendingRequest& request);
  /// The limit was raised: opens what is needed for those who wait.
  void connectAsNeeded();
  /// The peer is dead: no connection is used or written to any more, whatever happens on it. Cheap: closing costs
  /// system calls, and those who wait for their answer come first.
  void condemn();
  /// Resets condemned connections until `stop`; false if there are more.
  bool abortCondemned(TimePoint stop);
  /// Looks at connections with streams in flight (`busy`) or without, newest first, until `budget` is used up.
  void lookForLife(bool busy, TimePoint now, size_t& budget, KernelEvidence& evidence) const;
  /// Closes idle connections that were unused too long, or whose peer gave no sign of life. Called every second.
  void evictIdle(TimePoint now);

 private:
  friend class PooledConnection;
  using List = PooledConnection::List;
  using State = PooledConnection::State;

  PooledConnection* findReady();
  void startConnect();
  bool mayConnect() const;
  size_t streamsPerConnection() const;
  size_t connectionCount() const;
  void servePending();
  void failPending(size_t count, PoolFailure failure, const Error& error);

  // Called by PooledConnection.
  void transition(PooledConnection& connection, State to);
  void onConnectionReady(PooledConnection& connection);
  void onConnectFailed(PooledConnection& connection, PoolFailure failure, const Error& error);
  void onStreamsChanged(PooledConnection& connection);

  List& list(State state) { return lists_[static_cast<size_t>(state)]; }
  const List& list(State state) const { return lists_[static_cast<size_t>(state)]; }

  PoolContext& context_;
  PeerId peer_;
  SocketAddress address_;
  Protocol protocol_;
  TrafficClass class_;
  Duration connectTimeout_;
  ConnectLimit& limit_;
  stats::PeerStats& stats_;
  std::array<List, 5> lists_;  // by State; Closed connections are in no list
  LinkedList<PendingRequest, PendingTag> pending_;
  bool closing_ = false;
};

}  // namespace peerpulse::upstream
