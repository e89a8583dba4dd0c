// ExchangeModel: the workers. Exchanges come in per peer, are admitted by the circuit word with the proxy's own
// admission, trial permits, retry policy and budget, and go over a path that loses and delays them; their
// outcomes go to the prober, their bytes to the table's stamps.
//
//   admitted --> in flight --> answered | reset | given up after 10 s | failed when the peer is called dead
//       |            ^
//       +-- held ----+--> refused
//
// Held means: until the verdict is in, 100 ms at the most and then sent; or until it is its turn in the ramp of a
// peer that has come back.
//
// A packet that is lost is sent again after RTO, doubling. Workers stop when the whole process does, not when only
// the prober's thread does.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "admission_ramp.h"
#include "event_heap.h"
#include "peerpulse/health/trial_permits.h"
#include "prober_model.h"
#include "random.h"
#include "retry_budget.h"
#include "retry_policy.h"
#include "statistics.h"

namespace peerpulse::sim {

/// Who checks the workers.
class ExchangeObserver {
 public:
  virtual ~ExchangeObserver() = default;
  virtual void onSent(uint8_t peer, const health::CircuitWord& word, bool trial, bool failOpen) = 0;
  virtual void onRefused(uint8_t peer, const health::CircuitWord& word) = 0;
  virtual void onFailedInFlight(uint8_t peer, const health::CircuitWord& word) = 0;
  /// Or an exchange that was sent past the circuit while its prober was silent.
  virtual void onTrialSucceeded(uint8_t peer) = 0;
  virtual void onRetry(uint8_t peer, uint32_t retriesDone) = 0;
  /// It waits for its turn in the ramp, since `since`.
  virtual void onRamped(uint8_t peer, TimePoint since) = 0;
};

class ExchangeModel {
 public:
  static constexpr uint32_t kSlots = 64;

  ExchangeModel(EventHeap& heap, ProberModel& prober, std::array<WireModel, kMaxPeers>& wires)
      : heap_(heap), prober_(prober), wires_(wires) {}

  /// `every`: between two exchanges, per peer; zero: none.
  void reset(uint32_t peers, const std::array<Duration, kMaxPeers>& every, Random random, ExchangeObserver& observer,
             Statistics& statistics);

  void on(const SimEvent& event);
  void onPublish(uint8_t peer, const health::CircuitWord& word);
  void block(Duration d) { blockedUntil_ = std::max(blockedUntil_, heap_.now() + d); }
  // What happens to the peer's process and kernel happens to its exchanges.
  void peerKilled(uint8_t peer);
  void peerResumed(uint8_t peer);
  void peerLostPower(uint8_t peer) { ++lanes_[peer].boots; }

  static constexpr Duration kPatience = seconds(10);
  static constexpr Duration kHoldFor = milliseconds(100);
  static constexpr Duration kRto = milliseconds(200);

 private:
  enum class State : uint8_t { kFree, kHeld, kWaiting, kInFlight, kParked };
  struct Exchange {
    uint32_t id = 0;
    State state = State::kFree;
    bool trial = false;
    bool failedOpen = false;  // sent past the circuit: its prober was silent
    uint8_t retries = 0;
    uint16_t generation = 0;
    uint32_t boots = 0;
    bool heldLongEnough = false;
    TimePoint rampedSince = TimePoint::max();
  };
  struct Lane {
    std::array<Exchange, kSlots> slots{};
    upstream::AdmissionRamp ramp;
    bool outage = false;
    Duration every{};
    uint32_t boots = 0;  // of the peer: what knows the connections of before
  };

  void start(uint8_t peer);
  void noteCircuit(uint8_t peer, const health::CircuitWord& word);
  bool waitForTurn(uint8_t peer, uint32_t slot);
  void admitOrNot(uint8_t peer, uint32_t slot);
  void send(uint8_t peer, uint32_t slot, const health::CircuitWord& word, bool trial, bool failOpen);
  void requestAtPeer(const SimEvent& event);
  void answer(const SimEvent& event);
  void reply(const SimEvent& event);
  void carry(EventKind kind, uint8_t peer, uint32_t slot, uint32_t sent, uint32_t outcome);
  void again(const SimEvent& event);
  void finish(uint8_t peer, uint32_t slot, health::Outcome outcome);
  bool retry(uint8_t peer, uint32_t slot);
  SimEvent eventOf(EventKind kind, uint8_t peer, uint32_t slot) const;
  Exchange* find(const SimEvent& event);

  EventHeap& heap_;
  ProberModel& prober_;
  std::array<WireModel, kMaxPeers>& wires_;
  ExchangeObserver* observer_ = nullptr;
  Statistics* statistics_ = nullptr;
  Random random_;
  uint32_t peers_ = 0;
  std::array<Lane, kMaxPeers> lanes_;
  std::optional<health::TrialPermits> permits_;
  std::optional<upstream::RetryBudget> budget_;
  upstream::RetryOptions retryOptions_;
  uint32_t nextId_ = 1;
  TimePoint blockedUntil_;
};

}  // namespace peerpulse::sim
