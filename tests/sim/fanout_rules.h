// FanoutRules: what must hold of the fan-out API's workers after every step: rules 20 to 22 of checkers.h. What its answers
// may say is the OperationLedger's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "carry_setup.h"
#include "operation_ledger.h"
#include "peerpulse/base/time.h"
#include "virtual_time.h"

namespace peerpulse::sim {

class CarryWorld;

class FanoutRules {
 public:
  FanoutRules(CarryWorld& world, const CarrySetup& setup, uint32_t peers, RuleBreaks& breaks);

  /// The own process stands still for so long.
  void blocked(Duration d, TimePoint now) {
    late_ += d;
    blockedUntil_ = now + d;
  }

  void afterStep();
  /// After all callers have stopped and had the time to end.
  void afterQuiet();
  /// After they were cut off, and the background had its time.
  void whenNobodyIsLeft();

 private:
  void takeNew();
  void look();
  void checkCaller(const OperationEntry& operation);
  void checkRunning();
  void checkPiles(const OperationEntry& operation);
  void checkUndelivered();
  bool mustArrive(const OperationEntry& operation, uint8_t peer) const;
  std::optional<TimePoint> due(const OperationEntry& operation) const;
  bool surelyOver(const OperationEntry& operation) const;
  void broken(const OperationEntry& operation, const char* rule);
  uint64_t answerRoom(const OperationEntry& operation) const;

  CarryWorld& world_;
  const CarrySetup& setup_;
  const uint32_t peers_;
  RuleBreaks& breaks_;
  std::vector<uint32_t> open_;  // operations that may be under way, or whose answers may wait
  uint32_t taken_ = 0;
  std::array<TimePoint, kMaxCarryingPeers> outlivedSince_;  // requests of a peer do their legs
  Duration late_{};                                         // what the own process has stood still so far
  TimePoint blockedUntil_;
  TimePoint lookAt_;
};

}  // namespace peerpulse::sim
