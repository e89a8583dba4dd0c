// AnyIp: a prefix that is this host's although no interface has it: `ip route add local PREFIX dev lo` (ip-route(8)). Where systemd runs
// the recipe's unit adds and removes it, so that it is there after a reboot too; elsewhere `ip` does, for as long as the host runs.
//
// Blocks until the program it starts has ended. Errors: that it could not be started, or its exit status with what to do.
#pragma once

#include <string>

#include "peerpulse/base/result.h"

namespace peerpulse::recipe {

class AnyIp {
 public:
  /// `prefix` as in Plan::anyIp.
  explicit AnyIp(std::string prefix) : prefix_(std::move(prefix)) {}

  /// Whether its addresses can be bound now.
  bool there() const;
  /// The unit's file must be in place.
  Result<void> add() const;
  /// Before the unit's file goes.
  Result<void> remove() const;
  /// After the unit's file came or went.
  static Result<void> reloadUnits();
  static bool bySystemd();

 private:
  const std::string prefix_;
};

}  // namespace peerpulse::recipe
