// ProcessUsage: what this process takes of its host, under the names that every Prometheus client gives it (process_*).
#pragma once

#include <cstdint>

namespace peerpulse::stats {

struct ProcessUsage {
  double cpuSeconds = 0;  ///< user and system
  uint64_t residentBytes = 0;
  uint64_t virtualBytes = 0;
  uint64_t openFds = 0;
  uint64_t maxFds = 0;          ///< RLIMIT_NOFILE, soft
  double startTimeSeconds = 0;  ///< since the epoch
  uint64_t threads = 0;
};

}  // namespace peerpulse::stats
