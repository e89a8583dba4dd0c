// Goal: when ICMP echoes are gone by, and when no longer: never before they were answered, and not once a firewall drops
// them or a host answers a few of them only.
#include "peerpulse/health/echo_track.h"

#include <functional>

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

constexpr Duration kT = milliseconds(20);
constexpr Duration kPatience = milliseconds(5);

struct Fixture {
  EchoTrack track{true};
  TimePoint now{seconds(100)};

  /// `count` echoes, one every T; those that `answers` are answered after a millisecond.
  void send(uint32_t count, const std::function<bool(uint32_t)>& answers) {
    for (uint32_t i = 0; i < count; ++i, now += kT) {
      if (!track.sends(now)) continue;
      const uint32_t sequence = track.send(now);
      if (answers(i)) CHECK(track.answered(sequence, now + milliseconds(1)) == Duration(milliseconds(1)));
    }
  }
  void trust() {
    send(EchoTrack::kTrialAnswered, [](uint32_t) { return true; });
    REQUIRE(track.trusted());
  }
};

const auto kAll = [](uint32_t) { return true; };
const auto kNone = [](uint32_t) { return false; };

TEST_CASE("echo_track: a host that can send none never does") {
  const EchoTrack off(false);
  CHECK(off.refused());
  CHECK_FALSE(off.sends(TimePoint(seconds(1'000'000))));
  CHECK(off.nextSend(TimePoint()) == TimePoint::max());
}

TEST_CASE_FIXTURE(Fixture, "echo_track: trusted after a trial that was answered, losses allowed for") {
  SUBCASE("all answered") { send(EchoTrack::kTrial, kAll); }
  SUBCASE("one in ten lost") {
    send(EchoTrack::kTrial, [](uint32_t i) { return i % 10 != 0; });
  }
  CHECK(track.trusted());
  CHECK_FALSE(track.refused());
}

TEST_CASE_FIXTURE(Fixture, "echo_track: never answered, it rests, longer each time, and never accuses") {
  Duration rest = EchoTrack::kRest;
  for (int trial = 0; trial < 9; ++trial) {
    const uint64_t before = track.counts().sent;
    send(EchoTrack::kTrial, kNone);
    CHECK(track.counts().sent == before + EchoTrack::kTrial);
    CHECK(track.refused());
    CHECK_FALSE(track.refuted(now, kPatience));
    CHECK(track.nextSend(now) == now - kT + rest);
    const TimePoint next = track.nextSend(now);
    CHECK_FALSE(track.sends(next - kT));
    now = next;
    rest = std::min<Duration>(2 * rest, EchoTrack::kLongestRest);
  }
  CHECK(rest == EchoTrack::kLongestRest);
  trust();  // a firewall may open
}

TEST_CASE_FIXTURE(Fixture, "echo_track: a host that answers ten a second is not trusted") {
  send(10 * EchoTrack::kTrial, [](uint32_t i) { return i % 5 == 0; });
  CHECK_FALSE(track.trusted());
  CHECK(track.counts().sent == EchoTrack::kTrial);
}

TEST_CASE_FIXTURE(Fixture,
                  "echo_track: one that falls silent while the peer lives is dropped at the third suspicion") {
  trust();
  for (int suspicion = 0; suspicion < 3; ++suspicion) {
    CHECK(track.trusted());
    send(3, kNone);
    track.refuted(now, kPatience);
  }
  CHECK_FALSE(track.trusted());
  CHECK(track.nextSend(now) == now + EchoTrack::kRest);
}

TEST_CASE_FIXTURE(Fixture, "echo_track: one that answers less than half from some time on is dropped as well") {
  trust();
  uint32_t suspicions = 0;
  for (; suspicions < 50 && track.trusted(); ++suspicions) {
    send(5, [](uint32_t i) { return i == 0; });
    track.refuted(now, kPatience);
  }
  CHECK(suspicions > 1);
  CHECK(suspicions <= 7);
}

TEST_CASE_FIXTURE(Fixture, "echo_track: a few lost ones are no reason, nor those that may still come") {
  trust();
  send(EchoTrack::kWindow, kAll);
  send(3, kNone);
  CHECK_FALSE(track.refuted(now, kPatience));
  send(EchoTrack::kWindow, kAll);
  send(10, kNone);
  CHECK_FALSE(track.refuted(now, 20 * kT));  // a path so long
  CHECK(track.refuted(now, kPatience));
}

TEST_CASE_FIXTURE(Fixture, "echo_track: an outage says nothing of echoes, and its end is a reason to try again") {
  trust();
  SUBCASE("trusted before, trusted after") {
    send(20, kNone);
    track.outageEnded(now);
    CHECK_FALSE(track.refuted(now, kPatience));
    CHECK(track.trusted());
  }
  SUBCASE("resting before") {
    send(10, kNone);
    REQUIRE(track.refuted(now, kPatience));
    track.outageEnded(now);
    CHECK(track.sends(now));
    CHECK_FALSE(track.trusted());
  }
}

TEST_CASE_FIXTURE(Fixture, "echo_track: an answer counts once, and one of long ago not at all") {
  const uint32_t first = track.send(now);
  CHECK_FALSE(track.answered(first + 1, now).has_value());
  CHECK_FALSE(track.answered(0, now).has_value());
  CHECK(track.answered(first, now + milliseconds(3)) == Duration(milliseconds(3)));
  CHECK_FALSE(track.answered(first, now).has_value());
  const uint32_t old = track.send(now);
  trust();
  send(EchoTrack::kKept, kAll);
  CHECK_FALSE(track.answered(old, now).has_value());
  CHECK(track.counts().lost == 1);
  CHECK(track.counts().sent == track.counts().answered + 1);
}

TEST_CASE_FIXTURE(Fixture, "echo_track: what could not leave is neither sent in vain nor part of the trial") {
  for (uint32_t i = 0; i < 200; ++i) {
    track.send(now);
    track.unsent();
  }
  CHECK_FALSE(track.refused());
  trust();
  for (uint32_t i = 0; i < 10; ++i) {
    track.send(now);
    track.unsent();
  }
  CHECK_FALSE(track.refuted(now + seconds(1), kPatience));
}

}  // namespace
}  // namespace peerpulse::health
