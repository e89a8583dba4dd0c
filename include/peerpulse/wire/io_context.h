// IoContext: what all connections of one loop share: time, read blocks, the end-of-turn flush, outgoing connects and
// farewells. Every loop that carries HTTP has one.
//
// Threading: one per event loop thread. Ownership: `scheduler` and `connector` outlive it; it outlives the connections.
#pragma once

#include "peerpulse/event/scheduler.h"
#include "peerpulse/net/flush_queue.h"
#include "peerpulse/net/read_blocks.h"
#include "peerpulse/net/transport.h"
#include "peerpulse/wire/farewells.h"

namespace peerpulse::wire {

struct IoContext {
  IoContext(event::Scheduler& loop, net::Connector& connects)
      : scheduler(loop), connector(connects), flushQueue(loop), farewells(loop) {}

  event::Scheduler& scheduler;
  net::Connector& connector;
  net::ReadBlocks blocks;
  net::FlushQueue flushQueue;
  Farewells farewells;
};

}  // namespace peerpulse::wire
