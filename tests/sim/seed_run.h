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
  bool detector = true;                ///< each seed's world of probes alone
  bool carry = true;                   ///< and its world with traffic
  bool fanout = false;                 ///< and its world whose traffic is the fan-out API's
  Duration length = seconds(315);      ///< of a world of probes alone
  Duration carryLength = seconds(20);  ///< until its clients stop
  bool trace = false;                  ///< one thread
  unsigned jobs = 0;                   ///< 0: one per processor
  bool stopAtFirst = false;            ///< violation
  bool tellAborts = false;             ///< a broken assertion ends the process with a line that names the seed
  uint64_t printed = 5;                ///< violations with all that happened
};

class SeedRun {
 public:
  explicit SeedRun(const SeedRunOptions& options) : options_(options) {}

  /// Prints each violation, and of the first few all that happened.
  Statistics run();
  /// Errors excepted.
  static void silenceLog();

 private:
  void work();
  void runSeed(World& world, uint64_t seed, World::Kind kind, Statistics& sum);
  void complain(const World& world, uint64_t seed, World::Kind kind);

  SeedRunOptions options_;
  std::atomic<uint64_t> next_{0};
  std::mutex mutex_;
  uint64_t printed_ = 0;
  Statistics total_;
};

}  // namespace peerpulse::sim
