// MemoryWatch: says in the log when `limits.memory` begins to be felt, and when it is over (`memory_pressure`).
//
// Threading: the main thread. Ownership: `scheduler` and `limit` outlive it.
#pragma once

#include <memory>

#include "peerpulse/event/scheduler.h"
#include "peerpulse/proxy/memory_limit.h"

namespace peerpulse::server {

class MemoryWatch {
 public:
  static constexpr Duration kInterval = milliseconds(500);

  MemoryWatch(event::Scheduler& scheduler, const proxy::MemoryLimit& limit);

 private:
  void look();

  const proxy::MemoryLimit& limit_;
  proxy::Pressure told_ = proxy::Pressure::kNone;
  std::unique_ptr<event::Timer> timer_;
};

}  // namespace peerpulse::server
