// Under a sanitizer each step of a world is some thirty times as dear, and what it looks for shows in few of them: tests
// then run fewer worlds. Judgements and figures are the plain build's to check.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace peerpulse::sim {

/// Set by tools/test.
inline bool sanitized() { return std::getenv("PEERPULSE_SANITIZER") != nullptr; }

inline uint64_t worlds(uint64_t usual, uint64_t withSanitizer) { return sanitized() ? withSanitizer : usual; }

}  // namespace peerpulse::sim
