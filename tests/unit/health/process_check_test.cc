// Goal: when a request is sent, when its absence of an answer is owed, and that what was never answered owes nothing.
#include "peerpulse/health/process_check.h"

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

using Due = ProcessCheck::Due;

struct Fixture {
  ProcessCheck check{seconds(1)};
  TimePoint now{seconds(100)};

  Due at(Duration later) { return check.advance(now += later); }
};

TEST_CASE_FIXTURE(Fixture, "process_check: one request per interval, one at a time") {
  CHECK(at({}) == Due::kSend);
  CHECK(check.outstanding());
  CHECK(at(milliseconds(1)) == Due::kNothing);
  check.answered(now);
  CHECK_FALSE(check.outstanding());
  CHECK(at(milliseconds(998)) == Due::kNothing);
  CHECK(at(milliseconds(1)) == Due::kSend);
  const TimePoint sent = now;
  CHECK(at(seconds(1)) == Due::kOwed);
  CHECK(at(seconds(1)) == Due::kOwed);
  CHECK(check.owedSince() == sent);
}

TEST_CASE_FIXTURE(Fixture, "process_check: what was never answered is not owed, and given up") {
  SUBCASE("it says nothing") {
    CHECK(at({}) == Due::kSend);
    for (int i = 0; i < 5; ++i)
      CHECK(at(seconds(1)) == Due::kNothing);
  }
  SUBCASE("its connection ends each time") {
    for (uint32_t i = 0; i < ProcessCheck::kMaxStrikes; ++i) {
      CHECK_FALSE(check.useless());
      CHECK(at(seconds(1)) == Due::kSend);
      check.ended();
    }
  }
  CHECK(check.useless());
  CHECK(at(seconds(1)) == Due::kNothing);
  check.ended();
  check.forget();
  CHECK(at({}) == Due::kSend);
}

TEST_CASE_FIXTURE(Fixture, "process_check: once answered, an end of the connection proves nothing") {
  CHECK(at({}) == Due::kSend);
  check.answered(now);
  for (int i = 0; i < 10; ++i) {
    CHECK(at(seconds(1)) == Due::kSend);
    check.ended();
    CHECK_FALSE(check.outstanding());
  }
  CHECK_FALSE(check.useless());
}

TEST_CASE_FIXTURE(Fixture, "process_check: while the process sends data it need not be asked") {
  CHECK(at({}) == Due::kSend);
  check.answered(now);
  for (int i = 0; i < 100; ++i) {
    check.heard(now);
    CHECK(at(milliseconds(999)) == Due::kNothing);
  }
  CHECK(at(milliseconds(1)) == Due::kSend);
}

}  // namespace
}  // namespace peerpulse::health
