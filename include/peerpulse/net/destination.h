// Destination: where a connection is to go: one address, or several of one peer that are tried in a race (race_transport.h).
//
// Threading: a value; it refers to the addresses, which stay in place during the call that it is given to.
#pragma once

#include <span>

#include "peerpulse/base/address.h"
#include "peerpulse/base/assert.h"
#include "peerpulse/base/time.h"

namespace peerpulse::net {

/// RFC 8305 5: the time between two attempts, where nothing is known of the round trip, and its bounds.
inline constexpr Duration kAttemptDelay = milliseconds(250);
inline constexpr Duration kMinAttemptDelay = milliseconds(100);
inline constexpr Duration kMaxAttemptDelay = seconds(2);

class Destination {
 public:
  Destination(const SocketAddress& one) : addresses_(&one, 1) {}  // NOLINT: an address is a destination
  /// In the order in which they are tried; not empty.
  explicit Destination(std::span<const SocketAddress> inOrder, Duration attemptDelay = kAttemptDelay)
      : addresses_(inOrder), attemptDelay_(attemptDelay) {
    PP_ASSERT(!inOrder.empty());
  }

  bool single() const { return addresses_.size() == 1; }
  const SocketAddress& first() const { return addresses_.front(); }
  std::span<const SocketAddress> addresses() const { return addresses_; }
  Duration attemptDelay() const { return attemptDelay_; }

 private:
  std::span<const SocketAddress> addresses_;
  Duration attemptDelay_ = kAttemptDelay;
};

}  // namespace peerpulse::net
