// Waiter: somebody who wants a connection of a pool.
#pragma once

#include <cstdint>

#include "peerpulse/base/linked_list.h"
#include "peerpulse/base/result.h"

namespace peerpulse::upstream {

class PooledConnection;

/// Why there is no connection.
enum class PoolFailure : uint8_t {
  kConnectFailed,  ///< `error` says why (ECONNREFUSED, EHOSTUNREACH, ...)
  kConnectTimeout,
  kOverflow,   ///< too many wait already
  kCircuit,    ///< the circuit is open
  kNoAddress,  ///< the peer's name has led nowhere
};

struct WaiterTag {};

/// Leaving the list (unlink()) is leaving the pool.
class Waiter : public ListNode<WaiterTag> {
 public:
  virtual ~Waiter() = default;
  /// `connection` is Ready: a stream must be opened on it during this call.
  virtual void onConnection(PooledConnection& connection) = 0;
  virtual void onNoConnection(PoolFailure failure, const Error& error) = 0;
};

}  // namespace peerpulse::upstream
