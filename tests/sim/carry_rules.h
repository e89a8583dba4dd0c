// CarryRules: what must hold in the carrying half of a world after every step of it. Rules 8 to 16 of checkers.h; those
// that are seen from both ends of a request are the RequestLedger's.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "carry_setup.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/health/outcome.h"
#include "prober_model.h"
#include "request_ledger.h"
#include "virtual_time.h"

namespace peerpulse::sim {

class CarryWorld;
struct WorldSetup;

/// The checkers of the detecting half, as far as they judge what workers do.
class CarryWatcher : public RuleBreaks {
 public:
  /// Requests were refused, or failed in flight, under this word.
  virtual void onRefused(uint8_t peer, const health::CircuitWord& word) = 0;
  virtual void onFailedInFlight(uint8_t peer, const health::CircuitWord& word) = 0;
  /// Of a trial, or of a request that was sent while the prober was silent.
  virtual void onTrialSucceeded(uint8_t peer) = 0;
};

class CarryRules {
 public:
  CarryRules(CarryWorld& world, const WorldSetup& setup, ProberModel& prober, CarryWatcher& watcher);

  const CarrySetup& setup() const { return setup_; }
  /// `ran`: who had its turn.
  void afterStep(const test::VirtualTime::Participant* ran);
  void afterTransition(uint8_t peer);
  void onOutcome(uint8_t peer, const health::OutcomeRecord& record);
  /// The process stands still until then.
  void blockedUntil(TimePoint until) { lateUntil_ = std::max(lateUntil_, until); }
  /// A fault began, or ended.
  void disturbed(TimePoint now, bool began) {
    disturbedAt_ = now;
    faults_ += began ? 1 : -1;
  }

  /// After all clients have stopped and had the time to end.
  void afterQuiet();
  /// No request and no client's connection is left.
  bool deserted() const;
  /// After they were cut off.
  void whenNobodyIsLeft();
  void afterDrain();

 private:
  struct PeerWatch {
    uint64_t admitted = 0, ended = 0, refused = 0, failedInFlight = 0;
    uint16_t generation = 0;
    uint64_t admittedBefore = 0, endedBefore = 0;  // when the generation began
    TimePoint gateWrongSince = TimePoint::max();
    TimePoint deadSince = TimePoint::max();
    TimePoint stallChanged;
    uint16_t openedIn = 0;  // the generation in which the circuit left closed
    bool open = false;
    bool stalled = false;
  };

  void checkAdmission(uint8_t peer, const health::CircuitWord& word, bool stalled);
  void checkCounters(uint8_t peer, const health::CircuitWord& word);
  void checkGate(uint8_t peer, const health::CircuitWord& word, bool stalled);
  void checkWorker(size_t worker, uint8_t peer, const health::CircuitWord& word, bool stalled);
  void checkRequests();
  bool shouldBeOpen(uint8_t peer, const health::CircuitWord& word, bool stalled) const;
  void checkRequest(const RequestEntry& request);
  bool hasDeadline(const RequestEntry& request) const;
  void checkEnded();

  CarryWorld& world_;
  const CarrySetup& setup_;
  const uint32_t peers_;
  ProberModel& prober_;
  CarryWatcher& watcher_;
  std::array<PeerWatch, kMaxCarryingPeers> watches_{};
  TimePoint lateUntil_;
  TimePoint disturbedAt_;
  int faults_ = 0;
  TimePoint requestsDue_;
  Duration patience_{};
};

}  // namespace peerpulse::sim
