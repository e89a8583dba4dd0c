// Goal: each deadline of design section 5 turns exactly when it is due, on virtual time.
#include "peerpulse/upstream/deadlines.h"

#include <doctest/doctest.h>

using namespace peerpulse;
using namespace peerpulse::upstream;
using upstream::ClassTimeouts;

namespace {
const TimePoint kStart{seconds(1000)};
ClassTimeouts control() { return {seconds(2), seconds(10), Duration::zero(), 0}; }
ClassTimeouts bulk() { return {seconds(3), Duration::zero(), seconds(10), 1024 * 1024}; }
ClassTimeouts stream() { return {seconds(3), Duration::zero(), Duration::zero(), 0}; }
}  // namespace

TEST_CASE("deadlines: control has a connect and a total deadline") {
  const ClassTimeouts timeouts = control();
  Deadlines deadlines(timeouts, kStart, std::nullopt);
  deadlines.onConnecting(kStart);
  CHECK(deadlines.next() == kStart + seconds(2));
  CHECK(deadlines.expired(kStart + seconds(2) - nanoseconds(1)) == Expiry::kNone);
  CHECK(deadlines.expired(kStart + seconds(2)) == Expiry::kConnect);
  deadlines.onConnected(kStart + seconds(1));
  CHECK(deadlines.next() == kStart + seconds(10));
  CHECK(deadlines.expired(kStart + seconds(10)) == Expiry::kTotal);
}

TEST_CASE("deadlines: bulk stalls only when no byte moves") {
  const ClassTimeouts timeouts = bulk();
  Deadlines deadlines(timeouts, kStart, std::nullopt);
  deadlines.onConnected(kStart);
  for (int i = 1; i <= 10; ++i) {
    const TimePoint now = kStart + seconds(9 * i);
    CHECK(deadlines.expired(now) == Expiry::kNone);
    deadlines.onProgress(now);
  }
  CHECK(deadlines.next() == kStart + seconds(100));
  CHECK(deadlines.expired(kStart + seconds(100)) == Expiry::kStall);
}

TEST_CASE("deadlines: a chunk of known size must be through in 10 s + size / rate") {
  const ClassTimeouts timeouts = bulk();
  Deadlines deadlines(timeouts, kStart, std::nullopt);
  deadlines.onContentLength(20 * 1024 * 1024, kStart);
  deadlines.onConnected(kStart);
  deadlines.onProgress(kStart + seconds(30));
  CHECK(deadlines.expired(kStart + seconds(30)) == Expiry::kNone);
  CHECK(deadlines.expired(kStart + seconds(31)) == Expiry::kTotal);
}

TEST_CASE("deadlines: an absurd length does not overflow into the past") {
  const ClassTimeouts timeouts = bulk();
  Deadlines deadlines(timeouts, kStart, std::nullopt);
  deadlines.onContentLength(UINT64_MAX, kStart);
  CHECK(deadlines.expired(kStart + seconds(1)) == Expiry::kNone);
}

TEST_CASE("deadlines: streams and tunnels last as long as they like") {
  const ClassTimeouts streamTimeouts = stream();
  Deadlines open(streamTimeouts, kStart, std::nullopt);
  open.onConnected(kStart);
  CHECK(open.next() == TimePoint::max());
  const ClassTimeouts controlTimeouts = control();
  Deadlines tunnel(controlTimeouts, kStart, std::nullopt);
  tunnel.onConnected(kStart);
  tunnel.onTunnel();
  CHECK(tunnel.next() == TimePoint::max());
}

TEST_CASE("deadlines: grpc-timeout shortens") {
  const ClassTimeouts timeouts = control();
  Deadlines deadlines(timeouts, kStart, parseGrpcTimeout("250m"));
  deadlines.onConnected(kStart);
  CHECK(deadlines.next() == kStart + milliseconds(250));
  CHECK(deadlines.expired(kStart + milliseconds(250)) == Expiry::kGrpcDeadline);
}

TEST_CASE("deadlines: grpc-timeout values") {
  CHECK(parseGrpcTimeout("1H") == Duration(std::chrono::hours(1)));
  CHECK(parseGrpcTimeout("99999999n") == Duration(nanoseconds(99'999'999)));
  for (const char* bad : {"", "S", "1", "-1S", "1s", "1 S", "999999999S", "S1", "1.5S"}) {
    CAPTURE(bad);
    CHECK_FALSE(parseGrpcTimeout(bad).has_value());
  }
}
