// PeerProxy: everything one worker has of one peer: its share of the listener's connections, the exchanges to
// it, those held for a verdict, and the pools. A change of the peer's circuit is carried out here.
//
// Threading: its worker's thread.
// Ownership: owns the downstream connections (which own their exchanges) and the pools.
// Invariants: an exchange admitted through the circuit is in the list of exchanges until it has ended, so that a
//   dead peer costs O(its exchanges), whatever else runs on the worker.
#pragma once

#include <array>
#include <list>
#include <memory>

#include "peerpulse/base/linked_list.h"
#include "peerpulse/net/listener.h"
#include "peerpulse/proxy/worker_context.h"
#include "peerpulse/upstream/connection_pool.h"

namespace peerpulse::proxy {

class AdmissionRamp;
class DownstreamConnection;
class Exchange;
class Router;
class RetryBudget;
struct Failure;
struct PreparedReply;

struct PeerExchangeTag {};
struct HeldTag {};

class PeerProxy {
 public:
  PeerProxy(WorkerContext& context, const PeerOptions& options, net::ListenSocket& socket);
  ~PeerProxy();
  PeerProxy(const PeerProxy&) = delete;
  PeerProxy& operator=(const PeerProxy&) = delete;

  /// The peer's word in the circuit table changed, by what was decided at `at`.
  void onCircuitChange(TimePoint at);
  /// Accepts no more, ends idle connections, and the others after their exchanges.
  void drain();
  /// True once drain() is through.
  bool drained() const { return connections_.empty(); }
  /// What is left after the drain timeout is cut off.
  void abortAll();
  /// Every second: idle connections, slow heads.
  void sweep(TimePoint now);

  // For DownstreamConnection and Exchange.
  WorkerContext& context() { return context_; }
  const PeerOptions& options() const { return options_; }
  stats::PeerStats& stats() { return stats_; }
  const Router& router() const { return *router_; }
  RetryBudget& retryBudget() { return *retryBudget_; }
  upstream::ConnectionPool& pool(upstream::Protocol protocol, upstream::TrafficClass trafficClass);
  health::CircuitWord word() const { return context_.shared.table.load(options_.id); }
  /// What peerpulse answers in the peer's stead.
  PreparedReply localReply(const Failure& failure, bool grpc) const;
  /// The same for an exchange that the circuit refuses; kept until the circuit changes.
  const PreparedReply& refusal(bool grpc);
  /// Why the circuit refuses it; kept likewise.
  const Failure& refusalFailure(const health::CircuitWord& word);
  /// A dead peer's exchanges are being failed: what need not be done for that is left for later.
  bool failing() const { return failing_; }
  /// An exchange that ended while failing(): it is logged and destroyed later.
  void bury(std::list<std::unique_ptr<Exchange>>& from, std::list<std::unique_ptr<Exchange>>::iterator exchange);
  void track(Exchange& exchange);
  void hold(Exchange& exchange);
  /// Whether an exchange that the circuit lets through may go now, or must be held while a peer that is just back
  /// gets its exchanges step by step. `inTurn`: it was the first of those held.
  bool enter(const health::CircuitWord& word, bool inTurn);
  void remove(DownstreamConnection& connection);

 private:
  using Connections = std::list<std::unique_ptr<DownstreamConnection>>;

  void lookForLife();
  void onAccept(Fd fd);
  void onAcceptPaused(int error);
  void peerDied(TimePoint at);
  void failSlice();
  void scheduleSlice();
  bool failExchanges(TimePoint stop);
  bool failSome(const health::CircuitWord& word, TimePoint stop);
  bool clearBuried(TimePoint stop);
  bool abortConnections(TimePoint stop);
  void evictIdle();
  void noteCircuit(const health::CircuitWord& word);
  void startRamp();
  void endRamp();
  void onHeldTimer();
  void resumeHeld();
  void resetIdleDownstreams();
  template <typename Visit>
  void forEachPool(Visit visit);

  WorkerContext& context_;
  const PeerOptions& options_;
  stats::PeerStats& stats_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<RetryBudget> retryBudget_;
  upstream::ConnectLimit connectLimit_;  // before the pools, which count in it
  // [protocol: http1, http2][class]; made when first used
  std::array<std::array<std::unique_ptr<upstream::ConnectionPool>, upstream::kTrafficClasses>, 2> pools_;
  LinkedList<Exchange, PeerExchangeTag> exchanges_;
  LinkedList<Exchange, HeldTag> held_;  // for a verdict, or for their turn in the ramp; the oldest first
  std::unique_ptr<AdmissionRamp> ramp_;
  std::unique_ptr<event::Timer> heldTimer_;  // enabled while ramping, or while held exchanges are let go in slices
  bool outage_ = false;                      // the circuit was not closed when last looked at
  Connections connections_;
  net::Acceptor acceptor_;
  std::list<std::unique_ptr<Exchange>> buried_;
  std::array<std::unique_ptr<PreparedReply>, 2> refusals_;  // [grpc]
  std::unique_ptr<Failure> refusalFailure_;                 // of refusalsGeneration_, as are the above
  uint16_t refusalsGeneration_ = 0;
  bool sliceScheduled_ = false;
  bool failing_ = false;
  TimePoint diedAt_;             // while failing_: when the verdict was reached
  uint64_t failedInFlight_ = 0;  // since then
};

}  // namespace peerpulse::proxy
