// processUsage(): what the kernel says of this process (proc(5)).
//
// Threading: any thread. It reads files of /proc, which are in memory: some tens of microseconds, and where the kernel does not
// count descriptors itself (before 6.2), a microsecond for each that is open.
// Errors: what cannot be read is 0.
#pragma once

#include "peerpulse/stats/process_usage.h"

namespace peerpulse::server {

stats::ProcessUsage processUsage();

}  // namespace peerpulse::server
