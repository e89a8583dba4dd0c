#include "allocator.h"

#include <malloc.h>

namespace peerpulse::server {

bool keepFreeMemory() { return ::mallopt(M_TRIM_THRESHOLD, static_cast<int>(kKeptFreeMemory)) == 1; }

}  // namespace peerpulse::server
