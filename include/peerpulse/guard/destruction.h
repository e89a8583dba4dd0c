// Destruction: what became of a dead peer's sockets.
#pragma once

#include <cstdint>

namespace peerpulse::guard {

struct Destruction {
  uint32_t destroyed = 0;
  uint32_t gone = 0;    ///< ended by themselves meanwhile
  uint32_t spared = 0;  ///< of the last pass
  uint32_t failed = 0;
  int error = 0;  ///< errno of the last that failed, or of the dump

  /// What became of them in passes after this.
  void add(const Destruction& later) {
    destroyed += later.destroyed;
    gone += later.gone;
    spared = later.spared;
    failed += later.failed;
    if (later.error != 0) error = later.error;
  }
};

}  // namespace peerpulse::guard
