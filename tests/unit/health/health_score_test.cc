// Goal: the score says 1 of every healthy peer however long its path, falls with each kind of trouble and never
// rises by more of it, and comes back.
#include "peerpulse/health/health_score.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

/// What a peer does for some time.
struct Behaviour {
  Duration rtt = microseconds(200);
  int lateOf100 = 0;          ///< answers, one at a time
  Duration pausePerSecond{};  ///< time in which it owes answers
  int failedOf10 = 0;         ///< exchanges; 20 per second
};

class Run {
 public:
  Run() { score.verdict(Verdict::kAlive); }

  /// 50 answers per second.
  double live(const Behaviour& b, Duration time) {
    for (const TimePoint end = now + time; now < end; ++answers) {
      now += milliseconds(20);
      score.roundTrip(b.rtt);
      score.answered(answers % 100 < 2 * b.lateOf100 && answers % 2 == 0);
      if (answers % 5 < 2) score.outcome(answers % 50 < 5 * b.failedOf10);
      score.advance(now, b.pausePerSecond / 50);
    }
    return score.value();
  }

  TimePoint now = TimePoint() + seconds(1000);
  HealthScore score{now};
  int answers = 0;
};

double scoreOf(const Behaviour& b) {
  Run run;
  run.live({.rtt = b.rtt > milliseconds(10) ? b.rtt : microseconds(200)}, seconds(60));
  return run.live(b, seconds(60));
}

TEST_CASE("health_score: nothing before the first evidence, one for a healthy peer on any path") {
  HealthScore fresh{TimePoint()};
  CHECK(fresh.value() == 0);
  fresh.verdict(Verdict::kAlive);
  CHECK(fresh.value() == 1);
  for (const Duration rtt : {Duration(microseconds(50)), Duration(milliseconds(2)), Duration(milliseconds(150))}) {
    Run run;
    CHECK(run.live({.rtt = rtt}, seconds(60)) == 1);
  }
}

TEST_CASE("health_score: the verdict counts at once") {
  Run run;
  REQUIRE(run.live({}, seconds(10)) == 1);
  const struct {
    Verdict verdict;
    double score;
  } rows[] = {{Verdict::kSuspect, 0.5}, {Verdict::kStalled, 0.5}, {Verdict::kDead, 0},
              {Verdict::kRefusing, 0},  {Verdict::kUnknown, 0},   {Verdict::kAlive, 1}};
  for (const auto& row : rows) {
    run.score.verdict(row.verdict);
    CHECK_MESSAGE(run.score.value() == row.score, std::string(toString(row.verdict)));
  }
}

TEST_CASE("health_score: each trouble costs what the formula says") {
  const struct {
    const char* what;
    Behaviour behaviour;
    double low, high;
  } rows[] = {
      {"rtt within twice the baseline and slack", {.rtt = microseconds(2400)}, 1, 1},
      {"rtt 10 ms where it was 0.2 ms", {.rtt = milliseconds(10)}, 0.23, 0.30},
      {"1 % of answers late", {.lateOf100 = 1}, 0.90, 0.92},
      {"10 % of answers late", {.lateOf100 = 10}, 0.50, 0.53},
      {"half of them late", {.lateOf100 = 50}, 0.16, 0.2},
      {"150 ms of pause per second", {.pausePerSecond = milliseconds(150)}, 0.85, 0.87},
      {"never answers", {.pausePerSecond = seconds(1)}, 0.05, 0.07},
      {"1 of 10 exchanges fails", {.failedOf10 = 1}, 0.90, 0.93},
      {"all of them fail", {.failedOf10 = 10}, 0, 0.25},
      {"10 % late and 1 of 10 fails", {.lateOf100 = 10, .failedOf10 = 1}, 0.45, 0.49},
  };
  for (const auto& row : rows) {
    Run run;
    run.live({}, seconds(60));
    const double score = run.live(row.behaviour, seconds(60));
    CAPTURE(std::string(row.what));
    CHECK(score >= row.low);
    CHECK(score <= row.high);
  }
}

TEST_CASE("health_score: more trouble never gives more score") {
  double before = 1;
  for (int ms = 1; ms <= 400; ms *= 2) {
    Run run;
    run.live({}, seconds(30));
    const double score = run.live({.rtt = milliseconds(ms)}, seconds(20));
    CHECK(score <= before);
    before = score;
  }
  for (int i = 1; i <= 10; ++i) {
    CHECK(scoreOf({.lateOf100 = 5 * i}) < scoreOf({.lateOf100 = 5 * i - 5}));
    CHECK(scoreOf({.pausePerSecond = i * milliseconds(100)}) <
          scoreOf({.pausePerSecond = (i - 1) * milliseconds(100)}));
    CHECK(scoreOf({.failedOf10 = i}) < scoreOf({.failedOf10 = i - 1}));
  }
  // On another path the same trouble costs the same.
  CHECK(scoreOf({.rtt = milliseconds(80), .lateOf100 = 10}) == doctest::Approx(scoreOf({.lateOf100 = 10})));
}

TEST_CASE("health_score: a path that stays slow becomes the normal, in minutes; a better one in seconds") {
  Run run;
  run.live({.rtt = milliseconds(10)}, seconds(60));
  CHECK(run.live({.rtt = milliseconds(60)}, seconds(10)) < 0.4);
  CHECK(run.live({.rtt = milliseconds(60)}, seconds(1800)) == 1);
  CHECK(run.score.reading().baseline > milliseconds(30));
  run.live({.rtt = milliseconds(10)}, seconds(60));
  CHECK(run.score.reading().baseline < milliseconds(11));
  CHECK(run.live({.rtt = milliseconds(60)}, seconds(10)) < 0.4);
}

TEST_CASE("health_score: one dreadful second does not move the baseline") {
  Run run;
  run.live({.rtt = milliseconds(1)}, seconds(60));
  run.live({.rtt = seconds(2)}, seconds(1));
  CHECK(run.score.reading().baseline < microseconds(1020));
  CHECK(run.live({.rtt = milliseconds(1)}, seconds(2)) == 1);
}

TEST_CASE("health_score: one gap is one loss, however many answers it held up") {
  HealthScore score{TimePoint()};
  score.verdict(Verdict::kAlive);
  for (int i = 0; i < 80; ++i)
    score.answered(false);
  for (int i = 0; i < 15; ++i)
    score.answered(true);
  score.advance(TimePoint() + seconds(1), {});
  CHECK(score.reading().loss == doctest::Approx(1.0 / (95 + HealthScore::kPriorAnswers)));
}

TEST_CASE("health_score: what kernels sent again counts if it is more, and is forgotten") {
  Run run;
  run.live({}, seconds(10));
  run.score.kernelLoss(0.1);
  CHECK(run.live({}, seconds(1)) == doctest::Approx(0.5));
  CHECK(run.live({}, seconds(15)) == doctest::Approx(1 / 1.5).epsilon(0.02));
  CHECK(run.live({}, seconds(120)) > 0.99);
}

TEST_CASE("health_score: a blink costs little, a long outage is earned back in a minute") {
  const struct {
    Duration outage;
    double least, most;
  } rows[] = {{milliseconds(500), 0.97, 0.99}, {seconds(600), 0.0, 0.1}};
  for (const auto& [outage, least, most] : rows) {
    Run run;
    run.live({}, seconds(10));
    run.score.verdict(Verdict::kDead);
    run.live({.pausePerSecond = seconds(1)}, outage);
    CHECK(run.score.value() == 0);
    run.score.verdict(Verdict::kAlive);
    const double back = run.live({}, seconds(1));
    CHECK(back >= least);
    CHECK(back <= most);
    CHECK(run.live({}, seconds(60)) >= 0.9);
  }
}

TEST_CASE("health_score: time in which nobody looked is no trouble of the peer") {
  Run run;
  run.live({}, seconds(10));
  run.now += seconds(5);
  run.score.skip(run.now);
  CHECK(run.live({}, seconds(1)) == 1);
}

TEST_CASE("health_score: the words of the factors") {
  CHECK(std::string(toString(ScoreFactor::kRtt)) == "rtt");
  CHECK(std::string(toString(ScoreFactor::kLoss)) == "loss");
  CHECK(std::string(toString(ScoreFactor::kAnswers)) == "unanswered");
  CHECK(std::string(toString(ScoreFactor::kExchanges)) == "failures");
}

}  // namespace
}  // namespace peerpulse::health
