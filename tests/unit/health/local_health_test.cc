// Goal: the own host is blamed when most peers are overdue at once, and only then; what holds is shown for a
// while, the worst first.
#include "peerpulse/health/local_health.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

constexpr TimePoint kStart = TimePoint() + seconds(100);

struct Case {
  const char* what;
  int peers, counting, overdue;
  bool most;
};

TEST_CASE("local_health: most of those that count, and at least two") {
  const Case cases[] = {
      {"nobody", 0, 0, 0, false},
      {"all well", 5, 5, 0, false},
      {"the only peer", 1, 1, 1, false},
      {"one of two", 2, 2, 1, false},
      {"both of two", 2, 2, 2, true},
      {"half of four", 4, 4, 2, false},
      {"most of four", 4, 4, 3, true},
      {"two of three", 3, 3, 2, true},
      {"known outages do not count", 9, 3, 2, true},
      {"one left of many", 9, 1, 1, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    LocalHealth local(static_cast<uint32_t>(c.peers), milliseconds(20));
    for (int i = 0; i < c.counting; ++i)
      local.expect(PeerId{static_cast<uint32_t>(i)}, i < c.overdue ? kStart : kStart + milliseconds(1));
    CHECK(local.mostOverdue(kStart) == c.most);
    CHECK(local.state(kStart) == (c.most ? LocalState::kSuspect : LocalState::kOk));
  }
}

TEST_CASE("local_health: a count is fresh for a millisecond, a state is shown for a second") {
  LocalHealth local(2, milliseconds(20));
  local.expect(PeerId{0}, kStart);
  local.expect(PeerId{1}, kStart);
  CHECK(local.mostOverdue(kStart));
  local.expect(PeerId{1}, kStart + seconds(1));
  CHECK(local.mostOverdue(kStart + microseconds(999)));
  CHECK_FALSE(local.mostOverdue(kStart + milliseconds(1)));
  CHECK(local.state(kStart + seconds(1)) == LocalState::kSuspect);
  CHECK(local.state(kStart + seconds(1) + milliseconds(1)) == LocalState::kOk);
}

/// `peers` of them, alive.
LocalHealth allAlive(uint32_t peers) {
  LocalHealth local(peers, milliseconds(20));
  for (uint32_t i = 0; i < peers; ++i)
    local.verdict(PeerId{i}, Verdict::kAlive, kStart);
  return local;
}

/// The first `n` fall silent together, and are found dead 30 ms later.
void fallSilent(LocalHealth& local, uint32_t n, TimePoint at) {
  for (uint32_t i = 0; i < n; ++i)
    local.expect(PeerId{i}, at);
  local.mostOverdue(at);
  for (uint32_t i = 0; i < n; ++i) {
    local.verdict(PeerId{i}, Verdict::kSuspect, at);
    local.expect(PeerId{i}, TimePoint::max());
    local.verdict(PeerId{i}, Verdict::kDead, at + milliseconds(30));
  }
}

TEST_CASE("local_health: cut off, it stays suspect until half of the peers are back") {
  LocalHealth local = allAlive(4);
  fallSilent(local, 4, kStart);
  const TimePoint later = kStart + seconds(3600);
  CHECK(local.state(later) == LocalState::kSuspect);
  local.verdict(PeerId{0}, Verdict::kAlive, later);
  CHECK(local.state(later) == LocalState::kSuspect);  // three of four fell silent at once, and still are
  local.verdict(PeerId{1}, Verdict::kAlive, later);
  CHECK(local.state(later) == LocalState::kOk);
  local.verdict(PeerId{0}, Verdict::kDead, later + seconds(1));  // by itself
  CHECK(local.state(later + seconds(1)) == LocalState::kOk);
}

TEST_CASE("local_health: cut off together with another node, it stays suspect") {
  LocalHealth local = allAlive(4);
  local.expect(PeerId{3}, kStart + seconds(1));
  fallSilent(local, 3, kStart);
  CHECK(local.state(kStart + seconds(30)) == LocalState::kSuspect);
}

TEST_CASE("local_health: peers that died one after the other are theirs, unless nobody is left") {
  LocalHealth local = allAlive(3);
  for (uint32_t i = 0; i < 3; ++i)
    local.expect(PeerId{i}, kStart + seconds(3600));
  local.verdict(PeerId{0}, Verdict::kDead, kStart + seconds(10));
  local.verdict(PeerId{1}, Verdict::kDead, kStart + seconds(20));
  CHECK(local.state(kStart + seconds(20)) == LocalState::kOk);
  local.verdict(PeerId{2}, Verdict::kDead, kStart + seconds(30));
  CHECK(local.state(kStart + seconds(40)) == LocalState::kSuspect);
  local.verdict(PeerId{2}, Verdict::kRefusing, kStart + seconds(50));  // an answer
  CHECK(local.state(kStart + seconds(50)) == LocalState::kOk);
}

TEST_CASE("local_health: started where nobody answers; a single dead peer is no reason") {
  LocalHealth two(2, milliseconds(20));
  two.verdict(PeerId{0}, Verdict::kDead, kStart);
  CHECK(two.state(kStart) == LocalState::kOk);
  two.verdict(PeerId{1}, Verdict::kDead, kStart);
  CHECK(two.state(kStart + seconds(60)) == LocalState::kSuspect);
  LocalHealth one(1, milliseconds(20));
  one.verdict(PeerId{0}, Verdict::kDead, kStart);
  CHECK(one.state(kStart) == LocalState::kOk);
}

TEST_CASE("local_health: a suspicion that came to nothing leaves no trace") {
  LocalHealth local = allAlive(3);
  for (uint32_t i = 0; i < 3; ++i)
    local.expect(PeerId{i}, kStart);
  CHECK(local.mostOverdue(kStart));
  for (uint32_t i = 0; i < 3; ++i)
    local.expect(PeerId{i}, kStart + seconds(3600));
  local.verdict(PeerId{0}, Verdict::kDead, kStart + seconds(10));
  local.verdict(PeerId{1}, Verdict::kDead, kStart + seconds(20));
  CHECK(local.state(kStart + seconds(20)) == LocalState::kOk);
}

TEST_CASE("local_health: lag over the limit, and the link, worst first") {
  LocalHealth local(2, milliseconds(20));
  local.onLag(milliseconds(20), kStart);
  CHECK(local.state(kStart) == LocalState::kOk);
  local.onLag(milliseconds(21), kStart);
  CHECK(local.state(kStart) == LocalState::kLagging);
  local.onUnasked(kStart);
  CHECK(local.state(kStart) == LocalState::kExhausted);
  CHECK(local.state(kStart + seconds(1)) == LocalState::kOk);
  local.onLink(false, kStart);
  CHECK(local.state(kStart + seconds(10)) == LocalState::kLinkDown);
  local.onLink(true, kStart + seconds(10));
  CHECK(local.state(kStart + seconds(10)) == LocalState::kOk);
  CHECK(std::string(toString(LocalState::kLinkDown)) == "link_down");
  CHECK(std::string(toString(LocalState::kExhausted)) == "exhausted");
}

}  // namespace

TEST_CASE("local_health: what its state rests on is counted") {
  LocalHealth local = allAlive(4);
  const TimePoint now = TimePoint() + seconds(100);
  local.expect(PeerId{0}, now);
  local.expect(PeerId{1}, now + seconds(1));
  local.verdict(PeerId{2}, Verdict::kDead, now);
  local.onLag(milliseconds(3), now);
  local.onLink(false, now);
  const LocalEvidence evidence = local.evidence(now);
  CHECK(evidence.peers == 4);
  CHECK(evidence.silent == 1);
  CHECK(evidence.dead == 1);
  CHECK(evidence.linkDown);
  CHECK(evidence.lag == milliseconds(3));
}

}  // namespace peerpulse::health
