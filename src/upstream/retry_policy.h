// RetryPolicy: whether a failed attempt may be sent again (design section 4). Only what the peer provably did
// not process, plus one replay of a bodyless safe request on a pooled connection that died unused. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "peerpulse/base/time.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/upstream/options.h"

namespace peerpulse::upstream {

struct FailedAttempt {
  http::ResetReason reason{};
  uint32_t retriesDone = 0;
  bool connectionReused = false;
  bool connectionEnding = false;  ///< the peer has said GOAWAY on it
  bool bodyReplayable = false;    ///< everything sent so far is still at hand
  bool hasBody = false;
  std::string_view method;
};

/// Whether a retry counts against the budget. The first one after an orderly end of a keepalive connection does
/// not: nothing failed but the timing, the peer has done no work for it, and its load is not multiplied.
bool chargesBudget(const FailedAttempt& attempt);

/// The same for a connect that failed: nothing was sent, so it may always be tried again. `refused`: by the peer's kernel,
/// at once; the prober's verdict is due within some ten milliseconds, and a process that has just been started is there
/// soon, so the pauses are short.
std::optional<Duration> reconnectAfter(const RetryOptions& options, uint32_t retriesDone, bool refused,
                                       double jitter);

/// How long to wait before the next attempt, or nothing if there is none. `jitter` is in [0, 1).
std::optional<Duration> retryAfter(const RetryOptions& options, const FailedAttempt& attempt, double jitter);

}  // namespace peerpulse::upstream
