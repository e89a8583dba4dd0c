// GovernorOptions: when a peer counts as slow, and what is done about it (Governor). Filled by config/.
#pragma once

#include <cstdint>

#include "peerpulse/base/time.h"

namespace peerpulse::upstream {

enum class GovernorMode : uint8_t {
  kOff,      ///< nothing is measured
  kObserve,  ///< counts what it would refuse
  kEnforce,  ///< refuses
};
/// "off", "observe", "enforce".
const char* toString(GovernorMode mode);

struct GovernorOptions {
  GovernorMode mode = GovernorMode::kObserve;
  /// So many exchanges per worker, peer and class may always wait for their answer.
  uint32_t floor = 8;
  /// A peer is slow whose latency is more than this many times its baseline...
  uint32_t tolerance = 3;
  /// ...and more than this.
  Duration slowFrom = milliseconds(50);
  /// The least time between two looks; as long as the latency itself where that is longer.
  Duration window = milliseconds(250);
  /// A peer that has so long been slow with next to nothing to do is as it is: that is its baseline then.
  Duration relearn = seconds(60);
};

}  // namespace peerpulse::upstream
