// TlsSessions: what servers gave to resume a session by (RFC 8446 2.2, RFC 5077): the next connection to the same server costs
// a fraction of the first one. A ticket of TLS 1.3 is used once; a session of TLS 1.2 until it is replaced.
//
// Threading: one loop's thread. Bound: kMax. Sessions of another context than the last one asked for are dropped: what it
//   trusted may no longer be.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include "peerpulse/net/tls_context.h"

struct ssl_session_st;

namespace peerpulse::net {

class TlsSessions {
 public:
  static constexpr size_t kMax = 4;

  struct Free {
    void operator()(ssl_session_st* session) const;
  };
  using Session = std::unique_ptr<ssl_session_st, Free>;

  void add(const TlsContextRef& context, Session session);
  /// The newest one; null if there is none.
  Session take(const TlsContextRef& context);
  size_t size() const { return sessions_.size(); }

 private:
  void startWith(const TlsContextRef& context);

  TlsContextRef of_;  // held: another one in its place in memory must not be taken for it
  std::deque<Session> sessions_;
};

}  // namespace peerpulse::net
