#include "peerpulse/proxy/memory_limit.h"

namespace peerpulse::proxy {

const char* toString(Pressure pressure) {
  switch (pressure) {
    case Pressure::kNone: return "none";
    case Pressure::kNarrow: return "narrow";
    case Pressure::kRefuse: return "refuse";
    case Pressure::kHold: return "hold";
    case Pressure::kEnd: return "end";
  }
  return "?";
}

Pressure pressureOf(uint64_t used, uint64_t limit) {
  if (limit == 0) return Pressure::kNone;
  const uint64_t tenth = limit / 10;
  if (used >= limit) return Pressure::kEnd;
  if (used >= 9 * tenth) return Pressure::kHold;
  if (used >= 8 * tenth) return Pressure::kRefuse;
  return used >= 7 * tenth ? Pressure::kNarrow : Pressure::kNone;
}

}  // namespace peerpulse::proxy
