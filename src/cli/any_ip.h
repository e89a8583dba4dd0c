// AnyIp: a prefix that is this host's although no interface has it: `ip route add local PREFIX dev lo` (ip-route(8)). Where systemd runs
// the recipe's unit adds and removes it, so that it is there after a reboot too; elsewhere `ip` does, for as long as the host runs.
//
// Blocks until the program it starts has ended. Errors: that it could not be started, or its exit status with what to do.
// Threading: one thread.
#pragma once

#include <string>

#include "peerpulse/recipe/address_route.h"

namespace peerpulse::cli {

class AnyIp : public recipe::AddressRoute {
 public:
  /// A /24, as in Plan::anyIp.
  explicit AnyIp(std::string prefix) : prefix_(std::move(prefix)) {}

  /// By the kernel's route: a bind would do without one where net.ipv4.ip_nonlocal_bind is set.
  Result<bool> there() override;
  Result<std::string> add() override;
  Result<void> remove() override;
  Result<void> reloadUnits() override;
  size_t connections() override;

 private:
  /// "198.18.0."
  std::string stem() const { return prefix_.substr(0, prefix_.rfind('.') + 1); }
  const std::string prefix_;
};

}  // namespace peerpulse::cli
