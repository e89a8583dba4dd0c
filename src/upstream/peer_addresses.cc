#include "peer_addresses.h"

namespace peerpulse::upstream {

Failure PeerAddresses::failure() const {
  if (failure_) return *failure_;
  Failure failure;
  failure.type = ErrorType::kDnsTimeout;
  failure.party = Party::kHost;
  failure.timedOut = true;
  failure.detail = "DNS has not answered yet where the peer's name leads";
  return failure;
}

}  // namespace peerpulse::upstream
