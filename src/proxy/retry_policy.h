// RetryPolicy: whether a failed attempt may be sent again (design section 4). Only what the peer provably did
// not process, plus one replay of a bodyless safe request on a pooled connection that died unused. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "peerpulse/base/time.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/proxy/options.h"

namespace peerpulse::proxy {

/// Retries may be at most `budgetPercent` of the exchanges: a failing peer must not see its load multiplied.
/// Threading: one per worker.
class RetryBudget {
 public:
  explicit RetryBudget(uint32_t percent) : perExchange_(percent) {}
  void onExchange() { tokens_ = tokens_ + perExchange_ > kMax ? kMax : tokens_ + perExchange_; }
  /// False when the budget is used up.
  bool take() {
    if (tokens_ < kCost) return false;
    tokens_ -= kCost;
    return true;
  }

 private:
  static constexpr uint32_t kCost = 100;       // one retry
  static constexpr uint32_t kMax = 100 * 100;  // at most 100 retries saved up
  uint32_t perExchange_;
  uint32_t tokens_ = 10 * kCost;  // a quiet proxy may retry too
};

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

/// How long to wait before the next attempt, or nothing if there is none. `jitter` is in [0, 1).
std::optional<Duration> retryAfter(const RetryOptions& options, const FailedAttempt& attempt, double jitter);

}  // namespace peerpulse::proxy
