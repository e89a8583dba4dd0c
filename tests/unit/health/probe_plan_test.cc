// Goal: what is sent to a peer and when, on each rung of the ladder. How verdicts follow from it is
// peer_health_test's.
#include "peerpulse/health/probe_plan.h"

#include <vector>

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

constexpr Duration kT = milliseconds(20);
constexpr TimePoint kStart{seconds(100)};

/// A plan and all that it asked for.
struct Fixture {
  explicit Fixture(ProbeOptions options = {}) : plan(options, 1, kStart, Duration::zero()) {}

  /// Lets the plan do everything until `end`, at the times that it names.
  void runUntil(TimePoint end) {
    while (plan.nextDeadline() <= end)
      advance(std::max(now, plan.nextDeadline()));
    now = end;
  }
  void advance(TimePoint at) {
    now = at;
    collect([&](Actions& actions) { plan.advance(now, path, actions); });
  }
  template <typename Call>
  void collect(Call call) {
    Actions actions;
    call(actions);
    for (const Action& action : actions) {
      if (const auto* open = std::get_if<OpenConnection>(&action)) {
        opens.push_back(now);
        epoch = open->epoch;
        kind = open->kind;
      }
      if (const auto* ping = std::get_if<SendPing>(&action)) {
        pings.push_back(now);
        sequence = ping->sequence;
      }
      if (std::holds_alternative<CloseConnection>(action)) ++closes;
      const auto* connect = std::get_if<StartConnects>(&action);
      if (connect != nullptr && connect->purpose == ConnectPurpose::kProbe) connects.push_back(now);
    }
  }
  void connect() {
    runUntil(kStart + kT);
    REQUIRE(opens.size() == 1);
    plan.connected(now);
  }
  void answer() {
    collect([&](Actions& actions) { REQUIRE(plan.acked(sequence, now, actions).valid); });
  }
  void calmDown() {
    collect([&](Actions& actions) { plan.goneAway(true, now, actions); });
  }

  ProbePlan plan;
  TimePoint now = kStart;
  PathRtt path{true, microseconds(200), microseconds(50)};
  std::vector<TimePoint> opens, pings, connects;
  uint32_t epoch = 0;
  uint32_t sequence = 0;
  ConnectionKind kind{};
  int closes = 0;
};

TEST_CASE_FIXTURE(Fixture, "probe_plan: fast PINGs go out every T on the grid, answered or not") {
  connect();
  CHECK(kind == ConnectionKind::kHttp2);
  runUntil(kStart + seconds(1));
  REQUIRE(pings.size() > 40);
  for (size_t i = 1; i < pings.size(); ++i) {
    CHECK(pings[i].time_since_epoch() % kT == Duration::zero());
    if (i > 1) CHECK(pings[i] - pings[i - 1] == kT);
  }
  CHECK(plan.outstanding() == pings.size());
  CHECK(plan.mode() == ProbeMode::kFastPing);
  CHECK(connects.empty());
}

TEST_CASE_FIXTURE(Fixture, "probe_plan: a late wake-up makes up for no PING, and two are not closer than T/2") {
  connect();
  runUntil(kStart + milliseconds(200));
  const size_t before = pings.size();
  advance(kStart + milliseconds(315));  // between two points of the grid, five late
  runUntil(kStart + milliseconds(400));
  std::vector<Duration> gaps;
  for (size_t i = before + 1; i < pings.size(); ++i)
    gaps.push_back(pings[i] - pings[i - 1]);
  REQUIRE(gaps.size() == 4);
  CHECK(gaps[0] == milliseconds(25));  // not at 320, which is too near
  CHECK(gaps[1] == kT);
}

TEST_CASE_FIXTURE(Fixture, "probe_plan: an ACK counts for what was sent and not answered, once") {
  connect();
  runUntil(kStart + milliseconds(100));
  Actions actions;
  CHECK_FALSE(plan.acked(sequence + 1, now, actions).valid);  // never sent
  CHECK_FALSE(plan.acked(0, now, actions).valid);
  const ProbePlan::Ack ack = plan.acked(sequence, pings.back() + milliseconds(3), actions);
  CHECK(ack.valid);
  CHECK(ack.rtt == milliseconds(3));
  CHECK(plan.outstanding() == 0);  // it answers the earlier ones too
  CHECK_FALSE(plan.acked(sequence, now, actions).valid);
}

TEST_CASE_FIXTURE(Fixture,
                  "probe_plan: unanswered PINGs are slowed down, and the connection is replaced in the end") {
  connect();
  runUntil(kStart + seconds(10));
  CHECK(plan.outstanding() >= ProbePlan::kSlowedOutstanding);
  CHECK(plan.outstanding() < ProbePlan::kSlowedOutstanding + 10);
  CHECK(opens.size() == 1);
  while (opens.size() < 2 && now < kStart + seconds(900))
    advance(plan.nextDeadline());
  CHECK(opens.size() == 2);
  CHECK(closes == 1);
  CHECK(pings.size() == ProbePlan::kMaxOutstanding);
}

TEST_CASE_FIXTURE(Fixture, "probe_plan: while workers hear the peer no PING is sent") {
  connect();
  runUntil(kStart + milliseconds(100));
  const size_t before = pings.size();
  for (TimePoint heard = now; heard < kStart + milliseconds(300); heard += milliseconds(5)) {
    plan.postponeFor(heard);
    runUntil(heard);
  }
  CHECK(pings.size() == before);
  runUntil(kStart + milliseconds(340));
  CHECK(pings.size() > before);
}

TEST_CASE_FIXTURE(Fixture, "probe_plan: a peer that polices PINGs is asked slowly, by a connection for each PING") {
  connect();
  runUntil(kStart + milliseconds(100));
  calmDown();
  CHECK(plan.mode() == ProbeMode::kSlowPing);
  const TimePoint calmed = now;
  const size_t fastPings = pings.size();
  while (now < calmed + seconds(60)) {
    const size_t opened = opens.size();
    runUntil(now + milliseconds(5));
    if (opens.size() == opened) continue;
    plan.connected(now);
    advance(now);
    answer();
  }
  CHECK(pings.size() - fastPings >= 5);
  CHECK(pings.size() - fastPings <= 7);
  // Meanwhile the kernel is asked every T.
  CHECK(connects.size() > 2900);
  CHECK(connects.size() < 3100);
}

TEST_CASE_FIXTURE(Fixture, "probe_plan: one that polices slow PINGs too is asked by connects alone") {
  connect();
  calmDown();
  runUntil(now + seconds(2));
  REQUIRE(opens.size() == 2);
  plan.connected(now);
  calmDown();
  CHECK(plan.mode() == ProbeMode::kL4);
  plan.otherPortAnswered();  // else a connection would be kept
  const size_t opened = opens.size();
  runUntil(now + seconds(30));
  CHECK(opens.size() == opened);
}

TEST_CASE_FIXTURE(Fixture, "probe_plan: no HTTP/2 is told by one answer, or by three connections without any") {
  connect();
  SUBCASE("an answer that is no HTTP/2") { plan.closed(true, false, now); }
  SUBCASE("closed before the first ACK, three times") {
    for (int i = 0; i < 3; ++i) {
      CHECK(plan.mode() == ProbeMode::kFastPing);
      plan.closed(false, false, now);
      if (i == 2) break;
      runUntil(now + milliseconds(50));
      plan.connected(now);
    }
  }
  CHECK(plan.mode() == ProbeMode::kL4);
}

TEST_CASE_FIXTURE(Fixture, "probe_plan: a handshake has its own time, whatever the SYN's may be") {
  runUntil(kStart + kT);
  REQUIRE(opens.size() == 1);
  CHECK(plan.reached(now) == now - opens[0]);
  const size_t opened = opens.size();
  runUntil(now + ProbePlan::kHandshakePatience - kT);
  CHECK(opens.size() == opened);
  CHECK(pings.empty());
  CHECK_FALSE(plan.connected(now).has_value());  // the SYN's round trip was told
  advance(now);
  CHECK(pings.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "probe_plan: a handshake that is never done is begun anew, in an outage sooner") {
  runUntil(kStart + kT);
  plan.reached(now);
  const TimePoint reachedAt = now;
  const size_t opened = opens.size();
  runUntil(reachedAt + ProbePlan::kHandshakePatience + kT);
  CHECK(opens.size() == opened + 1);
  plan.reached(now);
  collect([&](Actions& actions) { plan.outageBegan(now, actions); });
  runUntil(now + kT);
  plan.reached(now);
  const TimePoint again = now;
  const size_t tried = opens.size();
  runUntil(again + ProbePlan::kRecoveryHandshake - milliseconds(1));
  CHECK(opens.size() == tried);
  runUntil(again + ProbePlan::kRecoveryHandshake + 2 * kT);
  CHECK(opens.size() > tried);
}

TEST_CASE_FIXTURE(Fixture, "probe_plan: three handshakes that fail lead to the rung that needs none") {
  runUntil(kStart + kT);
  for (int i = 0; i < 3; ++i) {
    CHECK(plan.mode() == ProbeMode::kFastPing);
    plan.reached(now);
    plan.closed(false, false, now);
    if (i < 2) runUntil(now + milliseconds(50));
  }
  CHECK(plan.mode() == ProbeMode::kL4);
  CHECK(plan.protocol() == PeerProtocol::kUnknown);
}

TEST_CASE_FIXTURE(Fixture, "probe_plan: a refused or answered connection says nothing against HTTP/2") {
  connect();
  for (int i = 0; i < 10; ++i) {
    if (i % 2 == 0) {
      plan.closed(false, true, now);  // refused: the process ended
    } else {
      advance(now);
      answer();
      plan.closed(false, false, now);
    }
    runUntil(now + milliseconds(50));
    plan.connected(now);
  }
  CHECK(plan.mode() == ProbeMode::kFastPing);
}

TEST_CASE_FIXTURE(Fixture, "probe_plan: an outage is tried at one cadence, however long it is") {
  connect();
  collect([&](Actions& actions) { plan.outageBegan(now, actions); });
  opens.clear();
  runUntil(now + seconds(600));
  REQUIRE(opens.size() > 600 * 1000 / 26);  // 20 ms and up to a quarter of jitter
  for (size_t i = 1; i < opens.size(); ++i) {
    REQUIRE(opens[i] - opens[i - 1] >= kT);
    REQUIRE(opens[i] - opens[i - 1] <= kT + kT / 4 + milliseconds(1));
  }
}

TEST_CASE("probe_plan: the first connections of many peers are spread over T") {
  TimePoint first = TimePoint::max(), last{};
  for (uint32_t seed = 1; seed <= 64; ++seed) {
    const ProbePlan plan({}, seed * 2654435761u, kStart, Duration::zero());
    first = std::min(first, plan.nextDeadline());
    last = std::max(last, plan.nextDeadline());
  }
  CHECK(first >= kStart);
  CHECK(last <= kStart + kT);
  CHECK(last - first > kT / 2);
}

TEST_CASE_FIXTURE(Fixture, "probe_plan: a mute connection is given up once fresh ones are answered") {
  connect();
  runUntil(kStart + milliseconds(300));
  collect([&](Actions& actions) { plan.answeredElsewhere({}, now, actions); });
  CHECK(closes == 0);  // not mute for long enough
  runUntil(kStart + kT + ProbePlan::kBrokenAfter + milliseconds(1));
  collect([&](Actions& actions) { plan.answeredElsewhere({}, now, actions); });
  CHECK(closes == 1);
}

}  // namespace
}  // namespace peerpulse::health
