// FlowWatch: looks at a pool's connections for those whose own bytes are not acknowledged any more although the peer lives
// (FlowSilence). It looks only at connections with streams, only while they are not heard, and only if they sent
// something since their kernel last said that all had arrived: a connection on which a long poll waits costs nothing.
//
// Threading: its worker's thread. Ownership: part of a pool. Connections leave by themselves.
// Bound: a slice of the loop's time per turn.
#pragma once

#include <cstddef>
#include <memory>

#include "peerpulse/base/linked_list.h"
#include "peerpulse/base/time.h"
#include "peerpulse/event/scheduler.h"

namespace peerpulse::upstream {

class Pool;
class PooledConnection;

struct FlowTag;

class FlowWatch {
 public:
  /// Well below the first retransmission, which comes after 200 ms at the least.
  static constexpr Duration kInterval = milliseconds(50);

  explicit FlowWatch(Pool& pool) : pool_(pool) {}

  /// It carries streams. Already watched: no-op.
  void add(PooledConnection& connection);

 private:
  void look();
  void examine(PooledConnection& connection);

  Pool& pool_;
  LinkedList<PooledConnection, FlowTag> watched_;  // those looked at longest ago first
  size_t left_ = 0;                                // of this round
  TimePoint lookedAt_;                             // when the last round began
  TimePoint began_;                                // this round
  std::unique_ptr<event::Timer> timer_;            // made when first needed
};

}  // namespace peerpulse::upstream
