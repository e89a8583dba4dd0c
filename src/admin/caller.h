// Caller: who is at the other end of an admin connection, and what that one may do.
//
//   admin.listen          everything may be read; changed by callers of this host (loopback, unix, its own address), and by those
//                         with the token
//   admin.metrics_listen  /metrics, /livez and /readyz may be read, nothing else
//
// Threading: a value; the functions are pure.
#pragma once

#include <string>
#include <string_view>

#include "peerpulse/base/address.h"
#include "request.h"

namespace peerpulse::admin {

struct Caller {
  SocketAddress address;     ///< family AF_UNSPEC: it has gone already
  bool metricsOnly = false;  ///< it came by admin.metrics_listen
  bool sameHost = false;     ///< it came from the address that it was sent to: Linux takes none such from a wire

  bool local() const { return address.isUnix() || address.isLoopback() || sameHost; }
};

/// By both ends of its connection.
Caller callerOf(const SocketAddress& remote, const SocketAddress& own, bool metricsOnly);

/// Whether a request shows `token` (`Authorization: Bearer ...`); compared in constant time. Never with an empty one.
bool showsToken(const Request& request, std::string_view token);

/// Who changes something, for log and /peers: "local", "token 10.0.0.7" with the address the request came from.
std::string nameOf(const Caller& caller);

/// What keeps the caller from changing something; status 0: nothing.
Response refuseChange(const Caller& caller, const Request& request, std::string_view token);

}  // namespace peerpulse::admin
