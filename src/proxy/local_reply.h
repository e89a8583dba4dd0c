// LocalReply: the answer peerpulse gives in a peer's stead (design section 4). HTTP: the status of the error,
// Proxy-Status (RFC 9209), Retry-After on 503, and a problem document (RFC 9457). gRPC: 200, trailers only.
//
// Threading: pure.
#pragma once

#include <string>
#include <string_view>

#include "peerpulse/base/slice.h"
#include "peerpulse/base/time.h"
#include "peerpulse/health/circuit_table.h"
#include "peerpulse/http/message.h"
#include "peerpulse/upstream/failure.h"

namespace peerpulse::proxy {

struct LocalReply {
  http::ResponseHead head;
  std::string body;  ///< empty for gRPC
};

struct LocalReplyContext {
  std::string_view peer;
  health::CircuitWord word;
  WallTime since;  ///< of the verdict or circuit
};

LocalReply makeLocalReply(const upstream::Failure& failure, const LocalReplyContext& context, bool grpc);

/// To an OPTIONS that comes no further than here (Max-Forwards, RFC 9110 7.6.2).
LocalReply makeHopReply();

/// A reply ready to be sent any number of times: the body is shared, not copied.
struct PreparedReply {
  explicit PreparedReply(const LocalReply& reply) : head(reply.head), body(Slice::copyOf(reply.body)) {}
  http::ResponseHead head;
  Slice body;
};

/// The moment `word` speaks of, on the wall clock, given both clocks' `now`.
WallTime sinceOf(const health::CircuitWord& word, TimePoint now, WallTime wallNow);

}  // namespace peerpulse::proxy
