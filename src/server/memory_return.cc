#include "memory_return.h"

#include <malloc.h>

#include "peerpulse/base/memory_use.h"
#include "peerpulse/log/log.h"
#include "process_usage.h"

namespace peerpulse::server {

MemoryReturn::MemoryReturn(event::Scheduler& scheduler) : timer_(scheduler.createTimer([this] { look(); })) {
  look();
}

void MemoryReturn::look() {
  timer_->enable(kInterval);
  const uint64_t before = processUsage().residentBytes;
  if (!rule_.due(before, MemoryUse::total())) return;
  ::malloc_trim(0);
  const uint64_t after = processUsage().residentBytes;
  rule_.trimmed(after, MemoryUse::total());
  log::write(log::Level::kDebug, "memory_returned",
             log::Fields().add("resident_before", before).add("resident_after", after));
}

}  // namespace peerpulse::server
