#include "h2/glitch_meter.h"

#include <doctest/doctest.h>

namespace peerpulse::http::h2 {
namespace {

TEST_CASE("GlitchMeter: a flood is over the limit, honest traffic never") {
  GlitchMeter flood(10);
  int taken = 0;
  while (flood.glitch())
    ++taken;
  CHECK(taken == 10);
  GlitchMeter honest(10);
  for (int i = 0; i < 10'000; ++i) {
    CHECK(honest.glitch());
    honest.useful(1);
  }
  CHECK(honest.level() == 0);
  honest.useful(100);  // no credit is saved up
  for (int i = 0; i < 10; ++i)
    CHECK(honest.glitch());
  CHECK_FALSE(honest.glitch());
}

}  // namespace
}  // namespace peerpulse::http::h2
