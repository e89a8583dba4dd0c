// The simulation's randomness is that of all simulated worlds.
#pragma once

#include "../support/seeded_random.h"

namespace peerpulse::sim {

using test::Random;

}  // namespace peerpulse::sim
