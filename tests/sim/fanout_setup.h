// FanoutSetup: what is particular to a world whose traffic is the fan-out API's: its bounds, its erasure set and the habits of
// those who call it. Everything is drawn from the seed; a named scenario sets the same fields.
#pragma once

#include <cstdint>

#include "peerpulse/base/time.h"
#include "peerpulse/fanout/options.h"
#include "random.h"

namespace peerpulse::sim {

struct WorldSetup;

/// What becomes of operations that are under way when the callers stop.
enum class FanoutEnding : uint8_t {
  kQuiet,    ///< they end
  kDrained,  ///< they end, and meanwhile the process drains
  kAborted,  ///< the process cuts them off
};
const char* toString(FanoutEnding ending);

struct FanoutSetup {
  bool on = false;
  fanout::Options options;  ///< listen stays unset
  uint32_t callers = 2;
  Duration think = milliseconds(50);
  // Of the operations, so many percent:
  uint32_t leaves = 0;  ///< their caller goes before the answer, or does not read it
  uint32_t paced = 0;   ///< their caller takes its time with the body
  uint32_t timed = 50;  ///< have a deadline
  uint32_t large = 0;   ///< have a body of a megabyte or more
  FanoutEnding ending = FanoutEnding::kQuiet;

  /// Bounds so small that honest callers may meet them.
  bool tight() const { return options.maxOperations < 4096 || options.memory < uint64_t{256} * 1024 * 1024; }
};

/// Set "set0": disk k is "node<k % peers + 2>/disk<k>"; the first `peers` are the shards' own, the others spares.
fanout::ErasureSet erasureSetOf(uint32_t peers, uint32_t spares);
/// A world whose traffic is the fan-out API's.
WorldSetup drawFanoutWorld(Random& random);

}  // namespace peerpulse::sim
