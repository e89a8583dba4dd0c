// Goal: loss of both directions from the kernel's counters, forgotten after a minute; K from it.
#include "peerpulse/health/loss_estimator.h"

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

constexpr TimePoint kStart = TimePoint() + seconds(100);

struct Case {
  uint32_t outPerMille, inPerMille, connects;
};

TEST_CASE("loss_estimator: K for a loss, of the segments of a minute") {
  // (0.0199)^4 = 1.57e-7; at 2 % each way 0.0396^5 = 9.7e-8; at 5 % 0.0975^7 = 8.4e-8.
  const Case cases[] = {{0, 0, 4},   {5, 5, 4},   {10, 10, 4}, {15, 0, 4},   {20, 20, 5},
                        {30, 30, 6}, {50, 50, 7}, {80, 80, 8}, {500, 500, 8}};
  for (const Case& c : cases) {
    CAPTURE(c.outPerMille);
    LossEstimator loss;
    SegmentCounters counters;
    for (int second = 0; second < 60; ++second) {
      counters.sent += 1000;
      counters.received += 1000;
      counters.retransmitted += c.outPerMille;
      counters.outOfOrder += c.inPerMille;
      loss.sample(counters, kStart + seconds(second));
    }
    CHECK(loss.confirmConnects(4, 8) == c.connects);
  }
}

TEST_CASE("loss_estimator: nothing known, few packets, and the bounds") {
  LossEstimator loss;
  CHECK(loss.exchangeLoss() == 0);
  CHECK(loss.confirmConnects(4, 8) == 4);
  loss.sample({10, 1, 10, 0}, kStart);
  CHECK(loss.exchangeLoss() == doctest::Approx(0.01));
  CHECK(loss.confirmConnects(6, 6) == 6);
  CHECK(loss.confirmConnects(4, 2) == 4);
}

TEST_CASE("loss_estimator: a minute later it is forgotten; a new connection begins at zero") {
  LossEstimator loss;
  loss.sample({1000, 50, 1000, 50}, kStart);
  CHECK(loss.exchangeLoss() == doctest::Approx(0.0975));
  loss.connectionBegan();
  loss.sample({1000, 0, 1000, 0}, kStart + seconds(30));
  CHECK(loss.exchangeLoss() == doctest::Approx(0.049375));
  loss.sample({2000, 0, 2000, 0}, kStart + seconds(61));
  CHECK(loss.exchangeLoss() == 0);
  loss.sample({3000, 0, 3000, 0}, kStart + seconds(1000));
  CHECK(loss.exchangeLoss() == 0);
}

TEST_CASE("loss_estimator: connects of peers without a probe connection count too") {
  LossEstimator loss;
  loss.connectAnswered();  // a late one, of nobody
  for (int second = 0; second < 50; ++second) {
    for (int i = 0; i < 50; ++i) {
      loss.connectSent();
      if (i % 10 != 3) loss.connectAnswered();
    }
    loss.settle(true, kStart + seconds(second));
  }
  CHECK(loss.exchangeLoss() == doctest::Approx(0.1).epsilon(0.01));
  CHECK(loss.confirmConnects(4, 8) == 7);
}

TEST_CASE("loss_estimator: the youngest connect may still be answered, and a peer that answers none loses nothing") {
  LossEstimator loss;
  loss.connectSent();
  loss.settle(true, kStart);
  CHECK(loss.exchangeLoss() == 0);
  for (int i = 0; i < 200; ++i)
    loss.connectSent();
  loss.settle(false, kStart);
  CHECK(loss.exchangeLoss() == 0);
}

}  // namespace
}  // namespace peerpulse::health
