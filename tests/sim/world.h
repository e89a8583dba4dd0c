// World: one prober host, its peers and paths, on virtual time, with every checker watching. Reused from seed to
// seed, so that nothing is allocated any more after the first few.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>

#include "body_pattern.h"
#include "carry_world.h"
#include "checkers.h"
#include "event_heap.h"
#include "event_log.h"
#include "prober_model.h"
#include "scenario.h"
#include "statistics.h"

namespace peerpulse::sim {

class World : ProberObserver {
 public:
  enum class Kind : uint8_t {
    kDetector,  ///< probes alone
    kCarry,     ///< and traffic
    kFanout,    ///< and that of the fan-out API
  };

  World() : prober_(heap_, log_, wires_), checkers_(heap_, log_, prober_, wires_) {}

  /// Everything, faults included, from the seed.
  void reset(uint64_t seed, bool trace = false, Kind kind = Kind::kDetector);
  /// That world, its randomness from the seed.
  void reset(const WorldSetup& setup, uint64_t seed, bool trace = false);

  /// Returns at once when a rule is broken.
  void runFor(Duration d);
  /// Sums up; no run may follow. Where traffic is carried it is brought to its end first: faults are over, clients stop
  /// and get the time to, are cut off, and the listeners are drained.
  void finish();

  /// Begins it now; it ends by itself.
  void strike(uint8_t peer, const Fault& fault);

  /// The broken rule, or nullptr.
  const char* violation() const { return checkers_.violation(); }
  void printLog(FILE* to) const;

  TimePoint now() const { return heap_.now(); }
  health::Verdict verdict(uint8_t peer) const { return prober_.health(peer).word().verdict; }
  health::LocalState localState() const { return prober_.localState(); }
  health::CircuitState circuit(uint8_t peer) const { return prober_.health(peer).word().circuit; }
  const health::PeerHealth& health(uint8_t peer) const { return prober_.health(peer); }
  WireModel& wire(uint8_t peer) { return wires_[peer]; }
  const Statistics& statistics();
  uint32_t count(uint8_t peer, health::Verdict to) const { return counts_[peer][static_cast<size_t>(to)]; }
  /// Of everything that happened, in order: the same for the same seed, everywhere.
  uint64_t digest() const { return digest_; }
  /// Null where nothing is carried.
  CarryWorld* carry() { return carry_.get(); }

 private:
  void step();
  void dispatch(const SimEvent& event);
  void scheduleFault(uint8_t peer);
  void endFault(uint8_t peer);
  void apply(uint8_t peer, const Fault& fault, bool on);
  void applyToPeer(uint8_t peer, const Fault& fault, bool on);
  void applyToHost(const Fault& fault, bool on);
  void windDown();
  void sumUpCarry();
  void printCarry(FILE* to) const;

  void onReport(uint8_t peer, const health::Transition& transition) override;
  void onPublish(uint8_t peer, const health::CircuitWord& word) override;
  void onConfirm(uint8_t peer, uint32_t connects) override { checkers_.onConfirm(peer, connects); }
  void onSockets(uint8_t peer, uint32_t open) override { checkers_.onSockets(peer, open); }
  void onFed(uint8_t peer, bool ticked) override { checkers_.onFed(peer, ticked); }

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
  Checkers checkers_;
  BodyPattern pattern_;
  std::unique_ptr<CarryWorld> carry_;
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
