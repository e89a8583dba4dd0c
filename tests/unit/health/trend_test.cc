// Goal: a warning for a score that falls steadily, once, with what made it fall; none for steps, spikes, noise,
// short histories and outages.
#include "peerpulse/health/trend.h"

#include <cmath>
#include <functional>
#include <string>

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

class Series {
 public:
  /// One reading per second, for `count` seconds: the score at second 0, 1, ... Returns the number of warnings.
  int add(int count, const std::function<double(int)>& score, ScoreFactor factor = ScoreFactor::kRtt) {
    int warnings = 0;
    for (int i = 0; i < count; ++i) {
      now += seconds(1);
      ScoreReading reading;
      reading.factors[static_cast<size_t>(factor)] = score(i);
      const auto decline = trend.add(reading, now);
      if (!decline.has_value()) continue;
      ++warnings;
      last = *decline;
    }
    return warnings;
  }
  int level(int count, double score) {
    return add(count, [score](int) { return score; });
  }
  /// Falls by `each` of itself per second.
  int fall(int count, double from, double each) {
    return add(count, [=](int i) { return from * std::pow(1 - each, i); });
  }

  TimePoint now = TimePoint() + seconds(1000);
  Trend trend;
  Decline last;
};

TEST_CASE("trend: a steady fall warns once, with its evidence") {
  for (const double each : {0.05, 0.1, 0.2, 0.4}) {
    Series s;
    REQUIRE(s.level(60, 1) == 0);
    CHECK(s.fall(40, 1, each) == 1);
    CHECK(s.last.from.value() > s.last.to.value());
    CHECK(s.last.to.value() <= Trend::kWarnAt);
    CHECK(s.last.over >= seconds(8));
    CHECK(s.last.over <= seconds(14));
    CHECK(s.last.factor == ScoreFactor::kRtt);
    CHECK(s.level(600, 0.05) == 0);
  }
}

TEST_CASE("trend: slow falls are seen too, over the time they took") {
  const struct {
    double each;
    Duration least, most;
  } rows[] = {{0.02, seconds(40), seconds(60)}, {0.005, seconds(200), seconds(300)}};
  for (const auto& row : rows) {
    Series s;
    s.level(400, 1);
    CHECK(s.fall(600, 1, row.each) == 1);
    CHECK(s.last.over >= row.least);
    CHECK(s.last.over <= row.most);
    CHECK(s.last.to.value() >= 0.3);
  }
}

TEST_CASE("trend: warns in time: while there is something left of a peer that loses a tenth per second") {
  Series s;
  s.level(60, 1);
  int at = 0;
  s.add(40, [&](int i) { return at = i, std::pow(0.9, i); });
  CHECK(s.last.to.value() >= 0.4);
}

TEST_CASE("trend: what is no steady fall") {
  const struct {
    const char* what;
    std::function<double(int)> score;
  } rows[] = {
      {"level", [](int) { return 1.0; }},
      {"always bad", [](int) { return 0.1; }},
      {"one step down", [](int i) { return i < 50 ? 1.0 : 0.1; }},
      {"one step up", [](int i) { return i < 50 ? 0.1 : 1.0; }},
      {"a spike", [](int i) { return i == 50 ? 0.01 : 1.0; }},
      {"two seconds of trouble", [](int i) { return i == 50 || i == 51 ? 0.01 : 1.0; }},
      {"spikes, more and more", [](int i) { return i % 5 == 0 ? std::pow(0.95, i) : 1.0; }},
      {"up and down", [](int i) { return i % 2 == 0 ? 1.0 : 0.3; }},
      {"slow waves", [](int i) { return 0.85 + 0.15 * std::cos(i / 5.0); }},
      {"a fall to what is still good", [](int i) { return std::max(0.65, 1 - 0.02 * i); }},
      {"a fall over hours", [](int i) { return std::pow(0.999, i); }},
      {"recovery", [](int i) { return std::min(1.0, 0.1 + 0.01 * i); }},
  };
  for (const auto& row : rows) {
    Series s;
    CHECK_MESSAGE(s.add(1000, row.score) == 0, std::string(row.what));
  }
}

TEST_CASE("trend: needs a whole window of readings, and begins anew after an outage") {
  Series s;
  CHECK(s.fall(14, 1, 0.2) == 0);
  s.trend.reset();
  CHECK(s.fall(14, 1, 0.2) == 0);
  CHECK(s.fall(1, 0.04, 0) == 1);
}

TEST_CASE("trend: warns again after a recovery only, and not within a minute") {
  Series s;
  s.level(30, 1);
  REQUIRE(s.fall(20, 1, 0.1) == 1);
  CHECK(s.level(30, 0.6) == 0);
  CHECK(s.fall(20, 0.6, 0.1) == 0);  // deeper, but the same decline
  CHECK(s.level(30, 1) == 0);
  CHECK(s.fall(20, 1, 0.1) == 1);
  CHECK(s.level(20, 1) == 0);
  CHECK(s.fall(20, 1, 0.1) == 0);  // within a minute
  CHECK(s.level(60, 1) == 0);
  CHECK(s.fall(20, 1, 0.1) == 1);
}

TEST_CASE("trend: names the factor that fell most") {
  for (const ScoreFactor factor :
       {ScoreFactor::kRtt, ScoreFactor::kLoss, ScoreFactor::kAnswers, ScoreFactor::kExchanges}) {
    Series s;
    s.level(30, 1);
    REQUIRE(s.add(
                20, [](int i) { return std::pow(0.9, i); }, factor) == 1);
    CHECK(s.last.factor == factor);
  }
}

TEST_CASE("trend: a score that reaches zero") {
  Series s;
  s.level(30, 1);
  CHECK(s.add(40, [](int i) { return std::max(0.0, 1 - i / 15.0); }) == 1);
}

}  // namespace
}  // namespace peerpulse::health
