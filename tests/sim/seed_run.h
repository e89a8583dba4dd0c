// SeedRun: many seeds, shared among threads; each thread has a world of its own and takes the next seed when it is
// free. The statistics are sums, so their result does not depend on who took which.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <mutex>

#include "peerpulse/base/time.h"
#include "statistics.h"
#include "world.h"

namespace peerpulse::sim {

struct SeedRunOptions {
  uint64_t seeds = 2000;
  uint64_t first = 1;
  Duration length = seconds(315);
  bool trace = false;  ///< one thread
  unsigned jobs = 0;   ///< 0: one per processor
};

class SeedRun {
 public:
  explicit SeedRun(const SeedRunOptions& options) : options_(options) {}

  /// Prints each violation, and of the first few all that happened.
  Statistics run();

 private:
  static constexpr uint64_t kPrinted = 5;

  void work();
  void complain(const World& world, uint64_t seed);

  SeedRunOptions options_;
  std::atomic<uint64_t> next_{0};
  std::mutex mutex_;
  uint64_t printed_ = 0;
  Statistics total_;
};

}  // namespace peerpulse::sim
