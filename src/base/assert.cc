#include "peerpulse/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace peerpulse {

void assertFailed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "peerpulse: broken invariant: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace peerpulse
