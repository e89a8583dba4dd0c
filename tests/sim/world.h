// World: one prober host, its peers and paths, on virtual time, with every checker watching. Reused from seed to
// seed, so that nothing is allocated any more after the first few.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>

#include "checkers.h"
#include "event_heap.h"
#include "event_log.h"
#include "exchange_model.h"
#include "prober_model.h"
#include "scenario.h"
#include "statistics.h"

namespace peerpulse::sim {

class World : ProberObserver, ExchangeObserver {
 public:
  World()
      : prober_(heap_, log_, wires_), exchanges_(heap_, prober_, wires_), checkers_(heap_, log_, prober_, wires_) {}

  /// Everything, faults included, from the seed.
  void reset(uint64_t seed, bool trace = false);
  /// That world, its randomness from the seed.
  void reset(const WorldSetup& setup, uint64_t seed, bool trace = false);

  /// Returns at once when a rule is broken.
  void runFor(Duration d);
  /// Sums up; no run may follow.
  void finish();

  /// Begins it now; it ends by itself.
  void strike(uint8_t peer, const Fault& fault);

  /// The broken rule, or nullptr.
  const char* violation() const { return checkers_.violation(); }
  void printLog(FILE* to) const;

  TimePoint now() const { return heap_.now(); }
  health::Verdict verdict(uint8_t peer) const { return prober_.health(peer).word().verdict; }
  health::CircuitState circuit(uint8_t peer) const { return prober_.health(peer).word().circuit; }
  const health::PeerHealth& health(uint8_t peer) const { return prober_.health(peer); }
  WireModel& wire(uint8_t peer) { return wires_[peer]; }
  const Statistics& statistics() const { return statistics_; }
  uint32_t count(uint8_t peer, health::Verdict to) const { return counts_[peer][static_cast<size_t>(to)]; }
  /// Of everything that happened, in order: the same for the same seed, everywhere.
  uint64_t digest() const { return digest_; }

 private:
  void step();
  void dispatch(const SimEvent& event);
  void scheduleFault(uint8_t peer);
  void endFault(uint8_t peer);
  void apply(uint8_t peer, const Fault& fault, bool on);
  void applyToPeer(uint8_t peer, const Fault& fault, bool on);
  void applyToHost(const Fault& fault, bool on);

  void onReport(uint8_t peer, const health::Transition& transition) override;
  void onPublish(uint8_t peer, const health::CircuitWord& word) override;
  void onConfirm(uint8_t peer, uint32_t connects) override { checkers_.onConfirm(peer, connects); }
  void onSockets(uint8_t peer, uint32_t open) override { checkers_.onSockets(peer, open); }
  void onFed(uint8_t peer, bool ticked) override { checkers_.onFed(peer, ticked); }
  void onSent(uint8_t peer, const health::CircuitWord& word, bool trial, bool failOpen) override {
    checkers_.onSent(peer, word, trial, failOpen);
  }
  void onRefused(uint8_t peer, const health::CircuitWord& word) override { checkers_.onRefused(peer, word); }
  void onFailedInFlight(uint8_t peer, const health::CircuitWord& word) override {
    checkers_.onFailedInFlight(peer, word);
  }
  void onTrialSucceeded(uint8_t peer) override { checkers_.onTrialSucceeded(peer); }
  void onRetry(uint8_t peer, uint32_t retriesDone) override { checkers_.onRetry(peer, retriesDone); }
  void onRamped(uint8_t peer, TimePoint since) override { checkers_.onRamped(peer, since); }

  static constexpr uint8_t kHost = kMaxPeers;  // in place of a peer: faults of this host
  struct Lane {
    Fault fault;
    bool striking = false;
    uint32_t token = 0;
  };

  EventHeap heap_;
  EventLog log_;
  std::array<WireModel, kMaxPeers> wires_;
  ProberModel prober_;
  ExchangeModel exchanges_;
  Checkers checkers_;
  Statistics statistics_;
  Random faultRandom_;
  WorldSetup setup_;
  std::array<Lane, kMaxPeers + 1> lanes_{};
  bool ended_ = false;
  TimePoint start_;
  uint64_t digest_ = 0;
  std::array<std::array<uint32_t, 6>, kMaxPeers> counts_{};
};

}  // namespace peerpulse::sim
