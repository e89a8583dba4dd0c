// Goal: a confirm's connects go out in two halves where the path leaves the time, and at once where it does not.
#include "peerpulse/health/confirm_burst.h"

#include <doctest/doctest.h>

namespace peerpulse::health {
namespace {

constexpr TimePoint kStart = TimePoint() + seconds(1);

TEST_CASE("confirm_burst: two halves, a third of C apart, on a short path") {
  const Duration stagger = ConfirmBurst::staggerFor(milliseconds(15), microseconds(5300));
  CHECK(stagger == milliseconds(5));
  for (const uint32_t connects : {1u, 4u, 7u, 8u}) {
    ConfirmBurst burst;
    burst.begin(connects, stagger, kStart);
    const uint32_t first = burst.take(kStart);
    CHECK(first == connects - connects / 2);
    CHECK(burst.take(kStart + milliseconds(4)) == 0);
    if (connects > 1) CHECK(burst.nextDeadline() == kStart + milliseconds(5));
    CHECK(burst.take(kStart + milliseconds(5)) == connects / 2);
    CHECK(burst.nextDeadline() == TimePoint::max());
  }
}

TEST_CASE("confirm_burst: at once on a long path, and nothing more after end()") {
  CHECK(ConfirmBurst::staggerFor(milliseconds(68), milliseconds(68)) == Duration::zero());
  ConfirmBurst burst;
  burst.begin(4, Duration::zero(), kStart);
  CHECK(burst.take(kStart) == 4);
  burst.begin(4, milliseconds(5), kStart);
  burst.take(kStart);
  burst.end();
  CHECK(burst.take(kStart + seconds(1)) == 0);
  CHECK(burst.nextDeadline() == TimePoint::max());
}

}  // namespace
}  // namespace peerpulse::health
