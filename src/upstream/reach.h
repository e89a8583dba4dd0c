// Reach: by which way one worker reaches one peer now, and where that leads: its own address, be it literal or a name, or the link
// to the peerpulse beside it. What DNS says is of the former, and is remembered while the link is the way.
//
//   own address <--> link            (LinkMode::kPrefer, by CircuitTable::direct(); else for good, until a reload)
//
// Threading: its worker's thread.
#pragma once

#include <optional>
#include <utility>

#include "peer_addresses.h"
#include "peerpulse/upstream/options.h"

namespace peerpulse::upstream {

class Reach {
 public:
  /// `direct`: a preferred link is not there. Who requires one is reached by nothing else.
  Reach(const PeerOptionsRef& configured, bool direct);

  /// As the constructor. True: connections lead elsewhere from now on.
  bool choose(const PeerOptionsRef& configured, bool direct);
  /// Of the own address. True: connections go there, and one of before has gone.
  bool setAddresses(const AddressSet& addresses);
  void addressesFailed(Failure failure) { own_.fail(std::move(failure)); }

  /// What connections go by: as configured, or byLink() of it.
  const PeerOptionsRef& options() const { return options_; }
  PeerAddresses& addresses() { return link_ ? *link_ : own_; }
  const PeerAddresses& addresses() const { return link_ ? *link_ : own_; }

 private:
  PeerOptionsRef configured_;
  PeerOptionsRef options_;
  PeerAddresses own_;
  std::optional<PeerAddresses> link_;  // while that is the way
};

}  // namespace peerpulse::upstream
