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
  tunnel.stop();
  CHECK(tunnel.next() == TimePoint::max());
}

TEST_CASE("deadlines: grpc-timeout shortens") {
  const ClassTimeouts timeouts = control();
  Deadlines deadlines(timeouts, kStart, parseGrpcTimeout("250m"));
  deadlines.onConnected(kStart);
  CHECK(deadlines.next() == kStart + milliseconds(250));
  CHECK(deadlines.expired(kStart + milliseconds(250)) == Expiry::kGrpcDeadline);
}

// --- who owes --------------------------------------------------------------------------------------------------

TEST_CASE("deadlines: while the peer owes nothing, neither total nor stall runs") {
  const ClassTimeouts timeouts = control();
  Deadlines total(timeouts, kStart, std::nullopt);
  total.onConnected(kStart);
  total.onDebt(false, kStart + seconds(4));
  CHECK_FALSE(total.running());
  CHECK(total.next() == TimePoint::max());
  CHECK(total.expired(kStart + seconds(1000)) == Expiry::kNone);
  total.onDebt(true, kStart + seconds(1000));
  CHECK(total.running());
  CHECK(total.next() == kStart + seconds(1006));  // four of its ten were used
  CHECK(total.expired(kStart + seconds(1006)) == Expiry::kTotal);

  const ClassTimeouts bulkTimeouts = bulk();
  Deadlines stalls(bulkTimeouts, kStart, std::nullopt);
  stalls.onConnected(kStart);
  stalls.onDebt(false, kStart + seconds(3));
  stalls.onDebt(true, kStart + seconds(100));
  CHECK(stalls.next() == kStart + seconds(107));
  CHECK(stalls.expired(kStart + seconds(107)) == Expiry::kStall);
}

TEST_CASE("deadlines: a byte that moves in a pause does not put the stall off for as long again") {
  const ClassTimeouts timeouts = bulk();
  for (const Duration moved : {seconds(50), seconds(60)}) {  // within the pause, and as it ends
    Deadlines deadlines(timeouts, kStart, std::nullopt);
    deadlines.onConnected(kStart);
    deadlines.onDebt(false, kStart);
    deadlines.onProgress(kStart + moved);
    deadlines.onDebt(true, kStart + seconds(60));
    CHECK(deadlines.next() == kStart + seconds(70));
  }
}

TEST_CASE("deadlines: told twice, the second time says nothing new") {
  const ClassTimeouts timeouts = control();
  Deadlines deadlines(timeouts, kStart, std::nullopt);
  deadlines.onDebt(true, kStart + seconds(1));
  deadlines.onDebt(false, kStart + seconds(2));
  deadlines.onDebt(false, kStart + seconds(5));
  deadlines.onDebt(true, kStart + seconds(6));
  deadlines.onDebt(true, kStart + seconds(7));
  CHECK(deadlines.next() == kStart + seconds(14));
}

TEST_CASE("deadlines: a client's own deadline runs whoever owes, and so does the connect's") {
  const ClassTimeouts timeouts = control();
  Deadlines deadlines(timeouts, kStart, seconds(5));
  deadlines.onConnecting(kStart);
  deadlines.onDebt(false, kStart);
  CHECK(deadlines.next() == kStart + seconds(2));
  CHECK(deadlines.expired(kStart + seconds(2)) == Expiry::kConnect);
  deadlines.onConnected(kStart + seconds(1));
  CHECK(deadlines.next() == kStart + seconds(5));
  CHECK(deadlines.expired(kStart + seconds(5)) == Expiry::kGrpcDeadline);
}

TEST_CASE("deadlines: a length that is announced in a pause counts from its end") {
  const ClassTimeouts timeouts = bulk();
  Deadlines deadlines(timeouts, kStart, std::nullopt);
  deadlines.onConnected(kStart);
  deadlines.onDebt(false, kStart);
  deadlines.onContentLength(20 * 1024 * 1024, kStart + seconds(30));
  deadlines.onDebt(true, kStart + seconds(40));
  deadlines.onProgress(kStart + seconds(70));
  CHECK(deadlines.expired(kStart + seconds(70)) == Expiry::kNone);
  CHECK(deadlines.expired(kStart + seconds(71)) == Expiry::kTotal);
}

// --- ends and attempts -----------------------------------------------------------------------------------------

TEST_CASE("deadlines: stopped, none of them runs any more") {
  const ClassTimeouts timeouts = bulk();
  Deadlines deadlines(timeouts, kStart, seconds(1));
  deadlines.onContentLength(1024, kStart);
  deadlines.onConnected(kStart);
  deadlines.stop();
  CHECK(deadlines.next() == TimePoint::max());
  deadlines.onDebt(false, kStart + seconds(1));
  deadlines.onDebt(true, kStart + seconds(2));
  CHECK(deadlines.next() == TimePoint::max());
  CHECK(deadlines.expired(kStart + seconds(10'000)) == Expiry::kNone);
}

TEST_CASE("deadlines: a second attempt has a connect deadline of its own, within the same total") {
  const ClassTimeouts timeouts = control();
  Deadlines deadlines(timeouts, kStart, std::nullopt);
  deadlines.onConnecting(kStart);
  deadlines.onConnected(kStart + seconds(1));
  deadlines.onConnecting(kStart + seconds(3));
  CHECK(deadlines.next() == kStart + seconds(5));
  CHECK(deadlines.end() == kStart + seconds(5));
  deadlines.onConnected(kStart + seconds(4));
  CHECK(deadlines.end() == kStart + seconds(10));
  deadlines.onConnecting(kStart + seconds(9));
  CHECK(deadlines.next() == kStart + seconds(10));
  CHECK(deadlines.expired(kStart + seconds(10)) == Expiry::kTotal);
}

TEST_CASE("deadlines: tries to connect that follow each other have the time of one") {
  const ClassTimeouts timeouts = bulk();
  Deadlines deadlines(timeouts, kStart, std::nullopt);
  CHECK(deadlines.end() == TimePoint::max());
  deadlines.onConnecting(kStart);
  deadlines.onConnecting(kStart + seconds(2));
  CHECK(deadlines.end() == kStart + seconds(3));
  CHECK(deadlines.expired(kStart + seconds(3)) == Expiry::kConnect);
}

TEST_CASE("deadlines: while there is no stream nothing can stall") {
  const ClassTimeouts timeouts = bulk();
  Deadlines deadlines(timeouts, kStart, std::nullopt);
  CHECK(deadlines.next() == TimePoint::max());
  deadlines.onConnecting(kStart);
  CHECK(deadlines.next() == kStart + seconds(3));
  deadlines.onConnected(kStart + seconds(2));
  CHECK(deadlines.next() == kStart + seconds(12));
}

TEST_CASE("deadlines: zero means none") {
  const ClassTimeouts timeouts{Duration::zero(), Duration::zero(), Duration::zero(), 0};
  Deadlines deadlines(timeouts, kStart, std::nullopt);
  deadlines.onConnecting(kStart);
  deadlines.onContentLength(1000, kStart);
  CHECK(deadlines.next() == TimePoint::max());
  deadlines.onConnected(kStart);
  CHECK(deadlines.next() == TimePoint::max());
}

TEST_CASE("deadlines: grpc-timeout values") {
  CHECK(parseGrpcTimeout("1H") == Duration(std::chrono::hours(1)));
  CHECK(parseGrpcTimeout("99999999H") > Duration(std::chrono::hours(24 * 365)));
  CHECK(kStart + *parseGrpcTimeout("99999999M") > kStart);
  CHECK(parseGrpcTimeout("99999999n") == Duration(nanoseconds(99'999'999)));
  for (const char* bad : {"", "S", "1", "-1S", "1s", "1 S", "999999999S", "S1", "1.5S"}) {
    CAPTURE(bad);
    CHECK_FALSE(parseGrpcTimeout(bad).has_value());
  }
}
