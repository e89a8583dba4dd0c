#include "h2/glitch_meter.h"

#include <doctest/doctest.h>

namespace peerpulse::http::h2 {
namespace {

int takenBy(GlitchMeter& meter) {
  int taken = 0;
  while (meter.glitch())
    ++taken;
  return taken;
}

TEST_CASE("GlitchMeter: a flood is over the limit, honest traffic never") {
  GlitchMeter flood(10);
  CHECK(takenBy(flood) == 10);
  GlitchMeter honest(10);
  for (int i = 0; i < 10'000; ++i) {
    CHECK(honest.glitch());
    honest.useful(1);
  }
  CHECK(honest.level() == 0);
  honest.useful(100);  // no credit is saved up
  CHECK(takenBy(honest) == 10);
}

TEST_CASE("GlitchMeter: savings count, up to their bound") {
  GlitchMeter meter(10, 100);
  meter.useful(60);
  CHECK(meter.level() == -60);
  meter.useful(1000);
  CHECK(takenBy(meter) == 110);
}

}  // namespace
}  // namespace peerpulse::http::h2
