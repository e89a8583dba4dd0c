// Goal: a request is sent again only when the peer provably did not process it, or it is a bodyless safe request
// on a connection that died in the pool, and never beyond count or budget.
#include "retry_policy.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::upstream;
using http::ResetReason;

namespace {
FailedAttempt attempt(ResetReason reason, const char* method, bool hasBody) {
  FailedAttempt a;
  a.reason = reason;
  a.method = method;
  a.hasBody = hasBody;
  a.bodyReplayable = true;
  return a;
}
}  // namespace

TEST_CASE("retry_policy: the first retry after an orderly end of a reused connection is free, nothing else is") {
  FailedAttempt attempt;
  attempt.reason = http::ResetReason::kRefused;
  attempt.connectionReused = true;
  attempt.connectionEnding = true;
  CHECK_FALSE(chargesBudget(attempt));
  FailedAttempt second = attempt;
  second.retriesDone = 1;
  CHECK(chargesBudget(second));
  FailedAttempt overloaded = attempt;  // REFUSED_STREAM on a connection that goes on
  overloaded.connectionEnding = false;
  CHECK(chargesBudget(overloaded));
  FailedAttempt fresh = attempt;
  fresh.connectionReused = false;
  CHECK(chargesBudget(fresh));
  FailedAttempt died = attempt;
  died.reason = http::ResetReason::kConnectionClosed;
  CHECK(chargesBudget(died));
}

TEST_CASE("retry: refused streams go again at once, later ones after a jittered backoff") {
  RetryOptions options;
  FailedAttempt a = attempt(ResetReason::kRefused, "PUT", true);
  CHECK(retryAfter(options, a, 0.5) == Duration::zero());
  a.retriesDone = 1;
  CHECK(retryAfter(options, a, 0.0) == milliseconds(100));
  CHECK(*retryAfter(options, a, 0.999) < milliseconds(200));
  a.retriesDone = 3;
  CHECK_FALSE(retryAfter(options, a, 0.5));
}

TEST_CASE("retry: what was sent and is gone is never sent again") {
  FailedAttempt a = attempt(ResetReason::kRefused, "PUT", true);
  a.bodyReplayable = false;
  CHECK_FALSE(retryAfter(RetryOptions{}, a, 0.5));
}

TEST_CASE("retry: a reset connection is replayed for safe bodyless requests on reused connections only") {
  struct Row {
    const char* method;
    bool hasBody, reused, option;
    bool retried;
  };
  const Row rows[] = {
      {"GET", false, true, true, true},   {"HEAD", false, true, true, true},    {"OPTIONS", false, true, true, true},
      {"GET", false, false, true, false}, {"GET", true, true, true, false},     {"GET", false, true, false, false},
      {"PUT", false, true, true, false},  {"DELETE", false, true, true, false}, {"POST", false, true, true, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.method);
    RetryOptions options;
    options.replayIdempotent = row.option;
    FailedAttempt a = attempt(ResetReason::kConnectionClosed, row.method, row.hasBody);
    a.connectionReused = row.reused;
    CHECK(retryAfter(options, a, 0.5).has_value() == row.retried);
    a.retriesDone = 1;
    CHECK_FALSE(retryAfter(options, a, 0.5));
  }
}

TEST_CASE("retry: other resets are answers") {
  for (const ResetReason reason : {ResetReason::kCancel, ResetReason::kInternal, ResetReason::kProtocol,
                                   ResetReason::kEnhanceYourCalm, ResetReason::kNoError}) {
    FailedAttempt a = attempt(reason, "GET", false);
    a.connectionReused = true;
    CHECK_FALSE(retryAfter(RetryOptions{}, a, 0.5));
  }
}

TEST_CASE("retry: a connect that failed may always be tried again, soon if it was refused") {
  RetryOptions options;
  options.maxRetries = 3;
  options.backoff = milliseconds(100);
  CHECK(reconnectAfter(options, 0, false, 0) == milliseconds(50));
  CHECK(reconnectAfter(options, 0, false, 1) == milliseconds(100));
  CHECK(reconnectAfter(options, 2, false, 1) == milliseconds(400));
  CHECK(reconnectAfter(options, 0, true, 1) == milliseconds(10));
  CHECK(reconnectAfter(options, 2, true, 1) == milliseconds(40));
  CHECK_FALSE(reconnectAfter(options, 3, true, 0).has_value());
  options.backoff = milliseconds(4);
  CHECK(reconnectAfter(options, 0, true, 1) == milliseconds(4));
}
