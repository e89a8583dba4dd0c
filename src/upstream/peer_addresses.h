// PeerAddresses: where one worker connects to one peer: its literal address, or what its name leads to now.
//
//   Awaited --set()--> Known          (a literal is Known from the start; a set follows another)
//   Awaited --fail()--> Failed --set()--> Known
//
// Threading: its worker's thread.
#pragma once

#include <optional>

#include "peerpulse/base/endpoint.h"
#include "peerpulse/net/address_order.h"
#include "peerpulse/upstream/failure.h"

namespace peerpulse::upstream {

class PeerAddresses {
 public:
  enum class State : uint8_t { kAwaited, kFailed, kKnown };

  explicit PeerAddresses(const Endpoint& endpoint) : order_(orderOf(endpoint)) {}

  State state() const {
    if (!order_.empty()) return State::kKnown;
    return failure_ ? State::kFailed : State::kAwaited;
  }
  net::AddressOrder& order() { return order_; }
  const net::AddressOrder& order() const { return order_; }

  /// True if one of before has gone.
  bool set(const AddressSet& addresses) {
    failure_.reset();
    return order_.set(addresses);
  }
  /// Why there is none; known ones stay.
  void fail(Failure failure) { failure_ = std::move(failure); }
  /// What a request fails by that finds no address. Nobody blames the peer for it.
  Failure failure() const;

 private:
  static net::AddressOrder orderOf(const Endpoint& endpoint) {
    return endpoint.isName() ? net::AddressOrder() : net::AddressOrder(endpoint.literal());
  }

  net::AddressOrder order_;
  std::optional<Failure> failure_;
};

}  // namespace peerpulse::upstream
