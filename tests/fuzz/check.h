// What a fuzzer asserts: what does not hold is a finding, as a crash is.
#pragma once

#include <cstdio>
#include <cstdlib>

/// `what`: a literal, the rule that was broken.
#define FUZZ_CHECK(condition, what)                                                   \
  do {                                                                                \
    if (!(condition)) {                                                               \
      std::fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, what, #condition); \
      std::abort();                                                                   \
    }                                                                                 \
  } while (false)
