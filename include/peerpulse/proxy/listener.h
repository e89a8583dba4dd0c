// Listener: one worker's share of a listening socket: the connections of local clients to one peer, from accept to end.
// It stands for the peer towards them: when that dies and `on_dead` is `refuse`, all of them are reset.
//
// It accepts nothing by itself: whoever owns the sockets hands the transports in. Whether the socket is open is decided
// elsewhere (server/gate.h), once for all workers.
//
// Threading: its worker's thread.
// Ownership: owns the downstream connections (which own their exchanges), and the exchanges that have ended and are still
//   to be logged.
#pragma once

#include <array>
#include <list>
#include <memory>
#include <string>

#include "peerpulse/event/sliced_work.h"
#include "peerpulse/log/occasional.h"
#include "peerpulse/net/transport.h"
#include "peerpulse/proxy/worker_context.h"
#include "peerpulse/upstream/peer.h"

namespace peerpulse::proxy {

class AccessFilter;
class DownstreamConnection;
class Exchange;
class RefusalReplies;
struct PreparedReply;

/// What peerpulse ends by itself, for the access log.
upstream::Failure cutByUs(const char* why, upstream::Timer timer = upstream::Timer::kNone);

/// Why a client found no room.
enum class TurnedAway : uint8_t { kConnectionLimit, kDescriptors };

class Listener final : public upstream::PeerWatcher {
 public:
  /// `peer` must be in the context's snapshot.
  Listener(WorkerContext& context, const PeerOptions& peer);
  ~Listener() override;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// A client has connected.
  void accept(std::unique_ptr<net::Transport> transport);
  /// A client has connected and its connection is closed at once: that is told it sooner than a queue tells it.
  void turnAway(TurnedAway why);
  /// The word of its peer changed; the peer has been told before.
  void onCircuitChange();
  /// The peer's process began to owe an answer to its probes, or gave it (CircuitTable::owing()).
  void onOwingChange();
  /// Ends idle connections, and the others after their exchanges.
  void drain();
  /// True once drain() is through.
  bool drained() const { return connections_.empty() && finished_.empty(); }
  /// What is left after the drain timeout is cut off.
  void abortAll();
  /// Every second, in a drain more often: idle connections, slow heads, tunnels. In slices.
  void sweep();
  size_t connections() const { return connections_.size(); }

  // For DownstreamConnection and Exchange.
  WorkerContext& context() { return context_; }
  PeerId peerId() const { return peer_; }
  const std::string& peerName() const { return peerName_; }
  OnDead onDead() const { return onDead_; }
  /// Ours in Via, in this direction.
  std::string_view pseudonym() const;
  /// The PINGs of h2 clients stay unanswered for now.
  bool pingsHeld() const { return pingsHeld_; }
  /// Null when it has been removed.
  upstream::Peer* peer() const { return context_.peers.find(peer_); }
  /// What peerpulse answers in the peer's stead.
  PreparedReply localReply(const upstream::Failure& failure, bool grpc) const;
  /// The same for an exchange that the circuit refuses; kept until the circuit changes.
  const PreparedReply& refusalReply(const upstream::Failure& refusal, bool grpc);
  void remove(DownstreamConnection& connection);
  /// A client's connection that TLS did not let begin, or cut short: the client's doing.
  void onTlsFailure(int code, std::string_view detail);
  /// A client's connection is not read for a while (CodecConnectionOwner::onSlowedDown()).
  void onSlowedDown();
  /// A client's connection that ended because it sent a flood of frames of a kind (http::Codec::flood()).
  void onFlood(const char* kind);
  /// The exchange has ended: it is settled, logged and destroyed at the end of the turn, in slices.
  void finished(std::list<std::unique_ptr<Exchange>>& from, std::list<std::unique_ptr<Exchange>>::iterator exchange);

 private:
  using Connections = std::list<std::unique_ptr<DownstreamConnection>>;

  bool onPeerDead(const upstream::Failure& refusal, TimePoint stop) override;
  bool resetIdle(TimePoint stop);
  bool clearFinished(TimePoint stop);
  bool sweepSome(TimePoint stop);

  WorkerContext& context_;
  const PeerId peer_;
  const std::string peerName_;
  const OnDead onDead_;
  const Role role_;
  std::unique_ptr<RefusalReplies> refusals_;
  std::unique_ptr<AccessFilter> accessFilter_;
  std::list<std::unique_ptr<Exchange>> finished_;
  Connections connections_;  // the newest first
  bool pingsHeld_ = false;
  std::array<log::Occasional, 2> turnedAwayTold_;  // by TurnedAway
  log::Occasional tlsFailureTold_;
  log::Occasional floodTold_;
  event::SlicedWork idleReset_;
  event::SlicedWork clearing_;
  event::SlicedWork sweeping_;
  std::unique_ptr<event::TurnEnd> turnEnd_;
};

}  // namespace peerpulse::proxy
