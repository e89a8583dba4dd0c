#include "erasure_writer/stripe_layout.h"

#include <doctest/doctest.h>

using peerpulse::erasure_writer::StripeLayout;

TEST_CASE("StripeLayout: stripes cover the object exactly") {
  for (const size_t block : {1U, 10U, 4096U}) {
    for (uint64_t size = 0; size<40 * block; size += block> 100 ? 997 : 1) {
      const StripeLayout layout(size, block);
      uint64_t covered = 0;
      for (uint64_t stripe = 0; stripe < layout.stripes(); ++stripe) {
        CHECK(layout.offset(stripe) == covered);
        covered += layout.dataSize(stripe);
        CHECK(layout.blockLength(stripe) * 12 >= layout.dataSize(stripe));
        CHECK(layout.blockLength(stripe) <= block);
      }
      CAPTURE(size);
      REQUIRE(covered == size);
    }
  }
}

TEST_CASE("StripeLayout: edges") {
  CHECK(StripeLayout(0, 100).stripes() == 1);
  CHECK(StripeLayout(0, 100).blockLength(0) == 0);
  CHECK(StripeLayout(1, 100).blockLength(0) == 1);
  CHECK(StripeLayout(1200, 100).stripes() == 1);
  CHECK(StripeLayout(1201, 100).stripes() == 2);
  CHECK(StripeLayout(1201, 100).blockLength(0) == 100);
  CHECK(StripeLayout(1201, 100).blockLength(1) == 1);
}
