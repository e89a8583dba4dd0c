// The time of what has not happened.
#pragma once

#include "peerpulse/base/time.h"

namespace peerpulse::sim {

inline constexpr TimePoint kNever = TimePoint::max();

}  // namespace peerpulse::sim
