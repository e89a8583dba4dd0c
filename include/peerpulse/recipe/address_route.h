// AddressRoute: the route that makes the addresses of a recipe (kAnyIpPrefix) this host's although no interface has them.
//
// An interface: Installation decides when it comes and goes, and its tests look on. Blocks. Threading: one thread.
#pragma once

#include <cstddef>
#include <string>

#include "peerpulse/base/result.h"

namespace peerpulse::recipe {

class AddressRoute {
 public:
  AddressRoute() = default;
  AddressRoute(const AddressRoute&) = delete;
  AddressRoute& operator=(const AddressRoute&) = delete;
  virtual ~AddressRoute() = default;

  virtual Result<bool> there() = 0;
  /// In words, what was done. The unit's file is in place.
  virtual Result<std::string> add() = 0;
  /// The unit's file is there still.
  virtual Result<void> remove() = 0;
  /// The unit's file came or went.
  virtual Result<void> reloadUnits() = 0;
  /// Open ones to its addresses: without the route they would hang.
  virtual size_t connections() = 0;
};

}  // namespace peerpulse::recipe
