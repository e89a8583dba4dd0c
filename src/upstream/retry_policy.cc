#include "retry_policy.h"

#include <algorithm>

namespace peerpulse::upstream {

namespace {

bool safeToReplay(const FailedAttempt& attempt) {
  return !attempt.hasBody && (attempt.method == "GET" || attempt.method == "HEAD" || attempt.method == "OPTIONS");
}

constexpr Duration kRefusedBackoff = milliseconds(10);

Duration backoff(Duration first, uint32_t retriesDone, double jitter) {
  const auto ceiling = static_cast<double>(first.count() << (retriesDone < 8 ? retriesDone : 8));
  return Duration(static_cast<Duration::rep>(ceiling * (0.5 + jitter / 2)));
}

}  // namespace

bool chargesBudget(const FailedAttempt& attempt) {
  const bool orderlyEnd = attempt.reason == http::ResetReason::kRefused && attempt.connectionEnding;
  return !(orderlyEnd && attempt.connectionReused && attempt.retriesDone == 0);
}

std::optional<Duration> reconnectAfter(const RetryOptions& options, uint32_t retriesDone, bool refused,
                                       double jitter) {
  if (retriesDone >= options.maxRetries) return std::nullopt;
  return backoff(refused ? std::min(options.backoff, kRefusedBackoff) : options.backoff, retriesDone, jitter);
}

std::optional<Duration> retryAfter(const RetryOptions& options, const FailedAttempt& attempt, double jitter) {
  if (attempt.retriesDone >= options.maxRetries || !attempt.bodyReplayable) return std::nullopt;
  // REFUSED_STREAM or above GOAWAY's last id: not processed (RFC 9113 8.7). The first retry goes at once.
  if (attempt.reason == http::ResetReason::kRefused) {
    return attempt.retriesDone == 0 ? Duration::zero() : backoff(options.backoff, attempt.retriesDone, jitter);
  }
  // The race of keepalive: the peer closed the idle connection while we used it (RFC 9112 9.3.1).
  if (attempt.reason == http::ResetReason::kConnectionClosed && attempt.connectionReused &&
      options.replayIdempotent && attempt.retriesDone == 0 && safeToReplay(attempt)) {
    return Duration::zero();
  }
  return std::nullopt;
}

}  // namespace peerpulse::upstream
