// PP_ASSERT: an invariant of our own code. Always on. What the environment does (a syscall's failure, a
// peer's bytes) is never asserted, it is handled.
#pragma once

namespace peerpulse {

/// Prints the broken invariant on stderr and aborts.
[[noreturn]] void assertFailed(const char* expression, const char* file, int line);

}  // namespace peerpulse

#define PP_ASSERT(expression) \
  (static_cast<bool>(expression) ? void(0) : ::peerpulse::assertFailed(#expression, __FILE__, __LINE__))
