#include "peerpulse/base/assert.h"

#include <doctest/doctest.h>

#include "../../support/aborts.h"

using peerpulse::test::aborts;

TEST_CASE("assert: ends the process where an invariant is broken, in every build") {
  CHECK(aborts([] { PP_ASSERT(1 + 1 == 3); }));
  CHECK_FALSE(aborts([] { PP_ASSERT(1 + 1 == 2); }));
}

TEST_CASE("assert: the expression is evaluated once, so that it may be a call") {
  int calls = 0;
  PP_ASSERT(++calls > 0);
  CHECK(calls == 1);
}
