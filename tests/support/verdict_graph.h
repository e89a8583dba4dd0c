// The transitions of a verdict that the graph in failure_detector.h allows.
#pragma once

#include "peerpulse/health/verdict.h"

namespace peerpulse::health {

inline bool legal(Verdict from, Verdict to) {
  switch (from) {
    case Verdict::kUnknown: return to == Verdict::kAlive || to == Verdict::kRefusing || to == Verdict::kDead;
    case Verdict::kAlive: return to == Verdict::kSuspect || to == Verdict::kRefusing || to == Verdict::kStalled;
    case Verdict::kSuspect:
      return to == Verdict::kAlive || to == Verdict::kDead || to == Verdict::kRefusing || to == Verdict::kStalled;
    case Verdict::kDead: return to == Verdict::kAlive || to == Verdict::kRefusing;
    case Verdict::kRefusing: return to == Verdict::kAlive || to == Verdict::kDead;
    case Verdict::kStalled: return to == Verdict::kAlive || to == Verdict::kSuspect || to == Verdict::kRefusing;
  }
  return false;
}

}  // namespace peerpulse::health
