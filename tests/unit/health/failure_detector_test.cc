// Goal: each rule of the detector by itself, on exact times.
#include "peerpulse/health/failure_detector.h"

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

using Step = FailureDetector::Step;

struct Fixture {
  ProbeOptions options;
  DetectionLimits limits{milliseconds(50), milliseconds(15)};
  TimePoint start = TimePoint() + seconds(100);
  FailureDetector detector{options, start};

  TimePoint at(int64_t ms) const { return start + milliseconds(ms); }
  Step judge(int64_t ms, bool ownHostSuspect = false) { return detector.judge(at(ms), limits, ownHostSuspect); }
};

TEST_CASE_FIXTURE(Fixture, "detector: while the own host is suspect the confirm has two rounds, not more") {
  detector.answered(at(0));
  CHECK(judge(50, true) == Step::kConfirm);
  detector.confirmTried(true);
  CHECK(judge(65, true) == Step::kConfirm);
  CHECK(detector.verdict() == Verdict::kSuspect);
  CHECK(detector.nextDeadline(limits) == at(80));
  SUBCASE("silence") {
    CHECK(judge(80, true) == Step::kNone);
    CHECK(detector.verdict() == Verdict::kDead);
  }
  SUBCASE("an answer in the second round, and the next suspicion has its own two") {
    detector.answered(at(79));
    CHECK(detector.verdict() == Verdict::kAlive);
    CHECK(judge(129, true) == Step::kConfirm);
    detector.confirmTried(true);
    CHECK(judge(144, true) == Step::kConfirm);
    CHECK(judge(159, true) == Step::kNone);
    CHECK(detector.verdict() == Verdict::kDead);
  }
}

TEST_CASE_FIXTURE(Fixture, "detector: connects that were sent late have their time all the same") {
  detector.answered(at(0));
  CHECK(judge(50) == Step::kConfirm);
  detector.confirmTried(true);
  detector.confirmSent(at(60));
  CHECK(detector.nextDeadline(limits) == at(65));
  detector.confirmSent(at(73));
  CHECK(detector.nextDeadline(limits) == at(73));
  judge(72);
  CHECK(detector.verdict() == Verdict::kSuspect);
  SUBCASE("silence") {
    judge(73);
    CHECK(detector.verdict() == Verdict::kDead);
  }
  SUBCASE("what one confirm was owed is not the next one's") {
    detector.confirmSent(at(5000));
    detector.answered(at(73));
    CHECK(judge(123) == Step::kConfirm);
    detector.confirmTried(true);
    CHECK(detector.nextDeadline(limits) == at(138));
  }
}

TEST_CASE_FIXTURE(Fixture, "detector: silence for exactly S, then C, is death") {
  detector.answered(at(0));
  CHECK(detector.nextDeadline(limits) == at(50));
  CHECK(judge(49) == Step::kNone);
  CHECK(detector.verdict() == Verdict::kAlive);
  CHECK(judge(50) == Step::kConfirm);
  CHECK(detector.verdict() == Verdict::kSuspect);
  detector.confirmTried(true);
  CHECK(detector.nextDeadline(limits) == at(65));
  CHECK(judge(64) == Step::kNone);
  judge(65);
  CHECK(detector.verdict() == Verdict::kDead);
  CHECK(detector.lastEvidence() == at(0));
  CHECK(detector.nextDeadline(limits) == TimePoint::max());
}

TEST_CASE_FIXTURE(Fixture, "detector: any evidence clears a suspicion, old evidence does not") {
  detector.answered(at(0));
  SUBCASE("byte") {
    judge(50);
    detector.heard(at(55));
    CHECK(detector.verdict() == Verdict::kAlive);
  }
  SUBCASE("kernel") {
    judge(50);
    detector.kernelHeard(at(51), limits);
    CHECK(detector.verdict() == Verdict::kAlive);
  }
  SUBCASE("stamp from before the silence") {
    detector.answered(at(10));
    judge(60);
    detector.heard(at(9));
    CHECK(detector.verdict() == Verdict::kSuspect);
  }
}

TEST_CASE_FIXTURE(Fixture, "detector: a sign of life that is older than the confirm leaves its question as it is") {
  detector.answered(at(0));
  CHECK(judge(50) == Step::kConfirm);
  detector.confirmTried(true);
  SUBCASE("told when it is S old itself: C counts from there") {
    detector.kernelHeard(at(8), limits);
    CHECK(judge(60) == Step::kNone);
    CHECK(detector.verdict() == Verdict::kSuspect);
    CHECK(detector.nextDeadline(limits) == at(73));
    CHECK(judge(72) == Step::kNone);
    CHECK(detector.verdict() == Verdict::kSuspect);
    judge(73);
    CHECK(detector.verdict() == Verdict::kDead);
    CHECK(detector.silentSince() == at(8));
  }
  SUBCASE("told when C is over from there, too: that was the answer") {
    detector.kernelHeard(at(1), limits);
    CHECK(judge(66) == Step::kNone);
    CHECK(detector.verdict() == Verdict::kDead);
  }
  SUBCASE("told sooner: alive, and the next silence asks anew") {
    detector.kernelHeard(at(8), limits);
    CHECK(judge(57) == Step::kNone);
    CHECK(detector.verdict() == Verdict::kAlive);
    CHECK(judge(58) == Step::kConfirm);
    CHECK(detector.nextDeadline(limits) >= at(73));
  }
  SUBCASE("one that is younger clears it for good") {
    detector.kernelHeard(at(52), limits);
    CHECK(detector.verdict() == Verdict::kAlive);
    CHECK(judge(102) == Step::kConfirm);
  }
}

TEST_CASE_FIXTURE(Fixture, "detector: RST to a SYN is refusing at once from any verdict, and silence ends it") {
  SUBCASE("unknown") {}
  SUBCASE("alive") { detector.answered(at(0)); }
  SUBCASE("suspect") {
    detector.answered(at(0));
    judge(50);
  }
  SUBCASE("dead") {
    detector.answered(at(0));
    judge(50);
    detector.confirmTried(true);
    judge(65);
  }
  detector.refused(at(70));
  CHECK(detector.verdict() == Verdict::kRefusing);
  detector.kernelHeard(at(80), limits);
  CHECK(detector.verdict() == Verdict::kRefusing);
  CHECK(detector.nextDeadline(limits) == at(145));
  judge(145);
  CHECK(detector.verdict() == Verdict::kDead);
  detector.answered(at(200));
  CHECK(detector.verdict() == Verdict::kAlive);
}

TEST_CASE_FIXTURE(Fixture, "detector: unknown is confirmed without being suspected") {
  CHECK(judge(50) == Step::kConfirm);
  CHECK(detector.verdict() == Verdict::kUnknown);
  detector.confirmTried(true);
  judge(65);
  CHECK(detector.verdict() == Verdict::kDead);
}

TEST_CASE_FIXTURE(Fixture, "detector: time in which our loop was late is no silence") {
  detector.answered(at(0));
  CHECK_FALSE(detector.voidRound(milliseconds(25), limits, at(45)));
  CHECK(judge(74) == Step::kNone);
  CHECK(judge(75) == Step::kConfirm);  // 20 ms before, 30 ms after
}

TEST_CASE_FIXTURE(Fixture, "detector: after a pause of ours silence starts over, but not for ever") {
  detector.answered(at(0));
  CHECK_FALSE(detector.voidRound(milliseconds(280), limits, at(300)));
  CHECK(judge(349) == Step::kNone);
  CHECK_FALSE(detector.voidRound(milliseconds(280), limits, at(629)));
  CHECK(judge(678) == Step::kNone);
  CHECK_FALSE(detector.voidRound(milliseconds(280), limits, at(958)));
  CHECK(judge(959) == Step::kConfirm);  // the third: 49 ms before it, 1 ms after it
  detector.kernelHeard(at(960), limits);
  CHECK_FALSE(detector.voidRound(milliseconds(280), limits, at(1260)));
  CHECK(judge(1309) == Step::kNone);
}

TEST_CASE_FIXTURE(Fixture, "detector: a loop that is always late finds a dead peer all the same") {
  detector.answered(at(0));
  int64_t ms = 0;
  while (detector.verdict() != Verdict::kDead && ms < 1000) {
    ms += 40;  // each deadline is missed by 25 ms
    if (detector.voidRound(milliseconds(25), limits, at(ms))) detector.confirmTried(true);
    if (judge(ms) == Step::kConfirm) detector.confirmTried(true);
  }
  CHECK(ms >= 160);
  CHECK(ms <= 50 * 40 / 15 + 3 * 40 + 40);
}

TEST_CASE_FIXTURE(Fixture, "detector: a void restarts the confirm, twice at most") {
  detector.answered(at(0));
  CHECK(judge(50) == Step::kConfirm);
  detector.confirmTried(true);
  CHECK(detector.voidRound(milliseconds(100), limits, at(165)));
  detector.confirmTried(true);
  judge(179);
  CHECK(detector.verdict() == Verdict::kSuspect);
  CHECK(detector.voidRound(milliseconds(100), limits, at(280)));
  detector.confirmTried(true);
  CHECK_FALSE(detector.voidRound(milliseconds(100), limits, at(395)));
  judge(395);
  CHECK(detector.verdict() == Verdict::kDead);
}

TEST_CASE_FIXTURE(Fixture, "detector: without one confirm connect death takes a second of silence") {
  detector.answered(at(0));
  judge(50);
  detector.confirmTried(false);
  judge(999);
  CHECK(detector.verdict() == Verdict::kSuspect);
  judge(1000);
  CHECK(detector.verdict() == Verdict::kDead);
}

TEST_CASE_FIXTURE(Fixture, "detector: kernel evidence alone is alive, then stalled, then stalled too long") {
  detector.answered(at(0));
  detector.asked(Asked::kProcess, at(10));
  for (int64_t ms = 20; ms < 10'010; ms += 20) {
    detector.kernelHeard(at(ms), limits);
    judge(ms);
    REQUIRE(detector.verdict() == Verdict::kAlive);
  }
  CHECK(detector.kernelOnly());
  CHECK(detector.silenceDeadline(limits) == at(10'000 + 250));  // a delayed ACK is no suspicion
  CHECK(detector.nextDeadline(limits) == at(10'010));
  judge(10'010);
  CHECK(detector.verdict() == Verdict::kStalled);
  detector.kernelHeard(at(10'020), limits);
  CHECK(detector.verdict() == Verdict::kStalled);
  detector.kernelHeard(at(30'009), limits);
  judge(30'009);
  CHECK_FALSE(detector.stalledTooLong());
  judge(30'010);
  CHECK(detector.stalledTooLong());
  CHECK(judge(30'300) == Step::kConfirm);
  CHECK(detector.verdict() == Verdict::kSuspect);
  CHECK(detector.stalledTooLong());
  detector.kernelHeard(at(30'301), limits);
  CHECK(detector.verdict() == Verdict::kStalled);
  detector.answered(at(30'400));
  CHECK(detector.verdict() == Verdict::kAlive);
  CHECK_FALSE(detector.stalledTooLong());
}

TEST_CASE_FIXTURE(Fixture, "detector: an answered connect settles what connects owe, not what a PING owes") {
  detector.answered(at(0));
  detector.asked(Asked::kNothing, at(5));
  CHECK(detector.unansweredFor(at(100)) == Duration::zero());
  detector.asked(Asked::kConnect, at(10));
  detector.asked(Asked::kConnect, at(30));
  CHECK(detector.unansweredFor(at(100)) == milliseconds(90));
  SUBCASE("connects") {
    detector.connectAnswered();
    CHECK(detector.unansweredFor(at(100)) == Duration::zero());
  }
  SUBCASE("and a PING") {
    detector.asked(Asked::kProcess, at(40));
    detector.connectAnswered();
    CHECK(detector.unansweredFor(at(100)) == milliseconds(90));
    detector.answered(at(100));
    detector.asked(Asked::kConnect, at(110));
    detector.connectAnswered();
    CHECK(detector.unansweredFor(at(200)) == Duration::zero());
  }
}

TEST_CASE("detection limits: configured, and stretched by the path") {
  const struct {
    ProbeOptions options;
    Duration rtt;
    Duration minSilence, maxSilence, minConfirm, maxConfirm;
  } rows[] = {
      {ProbeOptions::lan(), microseconds(200), milliseconds(50), milliseconds(50), milliseconds(15),
       milliseconds(15)},
      {ProbeOptions::fast(), microseconds(200), milliseconds(25), milliseconds(25), milliseconds(8), milliseconds(8)},
      {ProbeOptions::lan(), milliseconds(50), milliseconds(107), milliseconds(110), milliseconds(67),
       milliseconds(70)},
      {ProbeOptions::wan(), milliseconds(50), milliseconds(174), milliseconds(178), milliseconds(67),
       milliseconds(70)},
  };
  for (const auto& row : rows) {
    RttEstimator rtt(row.options.interval / 4);
    TimePoint now = TimePoint() + seconds(1);
    for (int i = 0; i < 100; ++i)
      rtt.add(row.rtt, now += row.options.interval);
    const DetectionLimits limits = DetectionLimits::of(row.options, row.options.interval, rtt.path(), {});
    CHECK(limits.silence >= row.minSilence);
    CHECK(limits.silence <= row.maxSilence);
    CHECK(limits.confirm >= row.minConfirm);
    CHECK(limits.confirm <= row.maxConfirm);
  }
  // Dense data: silence tells sooner, by most of what one lost PING would take.
  RttEstimator lan(milliseconds(5));
  for (int i = 0; i < 100; ++i)
    lan.add(microseconds(200), TimePoint() + i * milliseconds(20));
  CHECK(DetectionLimits::of(ProbeOptions::lan(), milliseconds(20), lan.path(), {.dense = true}).silence ==
        milliseconds(35));
  CHECK(DetectionLimits::of(ProbeOptions::fast(), milliseconds(10), lan.path(), {.dense = true}).silence ==
        milliseconds(17) + microseconds(500));
  // A lost PING that is sent again at once.
  CHECK(DetectionLimits::of(ProbeOptions::lan(), milliseconds(20), lan.path(), {.resending = PathRtt{}}).silence ==
        microseconds(47'500));
  const RttEstimator unmeasured(milliseconds(5));
  CHECK(DetectionLimits::of(ProbeOptions::lan(), milliseconds(20), unmeasured.path(), {}).confirm ==
        milliseconds(50));
}

}  // namespace
}  // namespace peerpulse::health
