#include "small_frame.h"

#include <doctest/doctest.h>

namespace peerpulse::http {
namespace {

TEST_CASE("small frames: what fits goes whole, however small") {
  CHECK(cutBody(1, 1) == 1);
  CHECK(cutBody(255, 16'384) == 255);
  CHECK(cutBody(16'384, 16'384) == 16'384);
}

TEST_CASE("small frames: a cut leaves no small rest") {
  for (size_t pending = 16'385; pending < 16'384 + 3 * kSmallFrame; ++pending) {
    const size_t first = cutBody(pending, 16'384);
    CHECK(first <= 16'384);
    CHECK(first >= kSmallFrame);
    CHECK(pending - first >= kSmallFrame);
  }
  CHECK(cutBody(16'394, 16'384) == 16'138);
  CHECK(cutBody(100'000, 16'384) == 16'384);
}

TEST_CASE("small frames: where there is no such cut the room is used") {
  CHECK(cutBody(300, 290) == 290);
  CHECK(cutBody(1000, 10) == 10);
  CHECK(cutBody(511, 510) == 510);
  CHECK(cutBody(512, 511) == 256);
}

}  // namespace
}  // namespace peerpulse::http
