#include "h2/reset_pacer.h"

#include <doctest/doctest.h>

namespace peerpulse::http::h2 {
namespace {

TEST_CASE("ResetPacer: so many, then a barrier") {
  ResetPacer pacer(3);
  for (int i = 0; i < 3; ++i) {
    CHECK(pacer.mayReset());
    pacer.gave(7);
  }
  CHECK_FALSE(pacer.mayReset());
  pacer.sent();
  pacer.sent();
  CHECK_FALSE(pacer.wantsBarrier());  // it would overtake the last one
  pacer.sent();
  CHECK(pacer.wantsBarrier());
  pacer.asked(5);
  CHECK_FALSE(pacer.wantsBarrier());
  CHECK(pacer.barrier() == 5);
  pacer.passed();
  CHECK(pacer.mayReset());
  CHECK(pacer.barrier() == 0);
  CHECK(pacer.unheard() == 0);
}

TEST_CASE("ResetPacer: an answer to a later request proves the same, of those before it") {
  ResetPacer pacer(2);
  pacer.gave(9);
  pacer.answered(9);
  CHECK(pacer.unheard() == 1);  // it is not even on the wire
  pacer.sent();
  pacer.answered(7);
  CHECK(pacer.unheard() == 1);
  pacer.gave(11);
  pacer.sent();
  CHECK_FALSE(pacer.mayReset());
  pacer.answered(9);
  CHECK(pacer.unheard() == 1);
  pacer.answered(13);
  CHECK(pacer.unheard() == 0);
}

TEST_CASE("ResetPacer: a barrier proves nothing of what was reset after it") {
  ResetPacer pacer(2);
  for (int i = 0; i < 2; ++i) {
    pacer.gave(9);
    pacer.sent();
  }
  pacer.asked(4);
  pacer.answered(9);
  CHECK(pacer.mayReset());
  pacer.gave(15);
  pacer.sent();
  pacer.passed();
  CHECK(pacer.unheard() == 1);
}

TEST_CASE("ResetPacer: resets that were not ours to count") {
  ResetPacer pacer(1);
  pacer.sent();
  CHECK_FALSE(pacer.wantsBarrier());
  pacer.gave(3);
  CHECK_FALSE(pacer.wantsBarrier());
  pacer.sent();
  CHECK(pacer.wantsBarrier());
}

}  // namespace
}  // namespace peerpulse::http::h2
