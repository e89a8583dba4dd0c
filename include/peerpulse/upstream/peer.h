// Peer: everything one worker has of one peer: who may go to it now, the requests held and in flight, its connection
// pools, and what its death does to all of them. It knows nothing of listeners or clients.
//
// A change of the circuit (onCircuitChange) is carried out here: held requests go on or fail, pools settle, and when the
// peer is dead everything in flight fails, in slices: first those who stand for the peer (PeerWatcher), then the requests,
// then the sockets that lead nowhere.
//
// Threading: its worker's thread.
// Ownership: owns its pools; requests are their owners' and leave by themselves.
// Invariants: a request that was admitted is in the list of those in flight until it has ended, so that a dead peer costs
//   O(its requests), whatever else runs on the worker. No request is in both lists.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "peerpulse/base/address_set.h"
#include "peerpulse/base/linked_list.h"
#include "peerpulse/event/sliced_work.h"
#include "peerpulse/upstream/context.h"
#include "peerpulse/upstream/request.h"

namespace peerpulse::upstream {

class Pool;
class FailureQueue;
class PeerAddresses;
class PeerGovernors;
class Reach;
class RetryBudget;
class WaitingRoom;
struct ConnectLimit;

struct WatcherTag {};

/// Somebody who stands for a peer towards others (a listener), and must act when it dies before its requests fail.
class PeerWatcher : public ListNode<WatcherTag> {
 public:
  virtual ~PeerWatcher() = default;
  /// The peer is dead. Works until `stop`; true when done. Called again until then, or until the peer is back.
  virtual bool onPeerDead(const Failure& refusal, TimePoint stop) = 0;
};

class Peer final : public event::DeferredDeletable {
 public:
  Peer(Context& context, PeerOptionsRef options);
  ~Peer() override;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  PeerId id() const { return options_->id; }
  const PeerOptions& options() const { return *options_; }
  const PeerOptionsRef& optionsRef() const { return options_; }
  /// Whether its link is there was decided anew (CircuitTable::direct()): new connections go the other way, what there is
  /// ends with its streams.
  void onLinkChange();
  /// A reload changed them: new connections go by the new ones; those to another address end with their streams.
  void update(PeerOptionsRef options);
  /// Its name leads elsewhere: new connections go there; those to addresses that have gone end with their streams.
  void setAddresses(const AddressSet& addresses);
  /// Its name has led nowhere so far: who waits for that fails now, by `failure`.
  void addressesFailed(Failure failure);

  /// The peer's word in the circuit table changed, by what was decided at `at`.
  void onCircuitChange(TimePoint at);
  /// Every second: idle connections.
  void sweep(TimePoint now);
  /// No new requests will come: idle connections are closed.
  void drain();
  /// Removed from the configuration: all its requests fail now.
  void retire();
  void watch(PeerWatcher& watcher) { watchers_.pushBack(watcher); }

  health::CircuitWord word() const { return context_.table.load(id()); }
  bool proberStalled() const { return context_.table.proberStalled(context_.now()); }
  /// Why the circuit refuses requests now. Valid until the word changes.
  const Failure& refusal(const health::CircuitWord& word);

  size_t requestsHeld() const;
  size_t requestsInFlight() const { return inFlight_.size(); }
  size_t connections() const;
  /// Requests that wait for a connection.
  size_t waiting() const;
  /// Requests that were let through so far, each time counted.
  uint64_t admitted() const { return admitted_; }
  /// Since when the one that is held longest has been; nothing if none is.
  std::optional<TimePoint> heldSince() const;
  /// Whether the pools' invariants hold, once a death has been carried out; for tests and the simulation.
  bool settled() const;

  /// One request more than was asked for, beside another one: as a retry, it is charged to the peer's retry budget. False: that is
  /// used up.
  bool mayAskTwice();

  // For Request.
  Context& context() { return context_; }
  stats::PeerStats& stats() { return stats_; }
  RetryBudget& retryBudget() { return *retryBudget_; }
  PeerGovernors& governors() { return *governors_; }
  /// Where connections lead now.
  const PeerAddresses& addresses() const;
  FailureQueue& failureQueue() { return *failureQueue_; }
  Pool& pool(TrafficClass trafficClass);
  /// What a request is sent in: as configured, else as it came unless the peer is known not to speak it.
  Protocol protocolFor(const http::RequestHead& head) const;
  /// Whether a request that the circuit lets through may go now, or must be held while a peer that is just back gets its
  /// requests step by step. `inTurn`: it was the first of those held.
  bool enter(const health::CircuitWord& word, bool inTurn);
  void hold(Request& request);
  void track(Request& request) {
    inFlight_.pushBack(request);
    ++admitted_;
  }
  void untrack(Request& request);
  /// More connections may be opened at once.
  void onLimitRaised();

 private:
  void lookForLife();
  bool deathSlice(TimePoint stop);
  bool failInFlight(const health::CircuitWord& word, TimePoint stop);
  bool abortCondemned(TimePoint stop);
  void settlePools();
  void renewReach();
  template <typename Visit>
  void forEachPool(Visit visit) const;

  Context& context_;
  PeerOptionsRef options_;  // as configured
  stats::PeerStats& stats_;
  std::unique_ptr<Reach> reach_;  // before the pools, which refer to it
  std::unique_ptr<RetryBudget> retryBudget_;
  std::unique_ptr<FailureQueue> failureQueue_;
  std::unique_ptr<PeerGovernors> governors_;
  std::unique_ptr<ConnectLimit> connectLimit_;                // before the pools, which count in it
  std::array<std::unique_ptr<Pool>, kTrafficClasses> pools_;  // made when first used
  LinkedList<Request, InFlightTag> inFlight_;                 // the oldest first
  std::unique_ptr<WaitingRoom> waitingRoom_;
  LinkedList<PeerWatcher, WatcherTag> watchers_;
  event::SlicedWork death_;
  event::SlicedWork idleClosing_;
  event::SlicedWork sweeping_;
  TimePoint sweptAt_;
  TimePoint diedAt_;             // when the verdict was reached that death_ carries out
  uint64_t failedInFlight_ = 0;  // since then
  uint64_t admitted_ = 0;
  bool failing_ = false;  // death_ has not failed all yet
  bool draining_ = false;
  Failure refusal_;  // of refusalGeneration_
  uint32_t refusalGeneration_ = UINT32_MAX;
};

}  // namespace peerpulse::upstream
