#include "memory_watch.h"

#include "peerpulse/log/log.h"

namespace peerpulse::server {

namespace {

const char* detailsOf(proxy::Pressure pressure) {
  switch (pressure) {
    case proxy::Pressure::kNone: return "there is memory again";
    case proxy::Pressure::kNarrow: return "answers get less room; limits.memory is near";
    case proxy::Pressure::kRefuse: return "new exchanges are refused until there is memory again";
    case proxy::Pressure::kHold: return "new exchanges are refused, and clients get no more credit for their bodies";
    case proxy::Pressure::kEnd: return "exchanges whose clients take nothing of their answers are ended";
  }
  return "?";
}

}  // namespace

MemoryWatch::MemoryWatch(event::Scheduler& scheduler, const proxy::MemoryLimit& limit)
    : limit_(limit), timer_(scheduler.createTimer([this] { look(); })) {
  timer_->enable(kInterval);
}

void MemoryWatch::look() {
  timer_->enable(kInterval);
  const proxy::Pressure pressure = limit_.pressure();
  if (pressure == told_) return;
  told_ = pressure;
  log::write(pressure >= proxy::Pressure::kRefuse ? log::Level::kWarn : log::Level::kInfo, "memory_pressure",
             log::Fields()
                 .add("pressure", toString(pressure))
                 .add("bytes", MemoryUse::total())
                 .add("limit", limit_.bytes())
                 .add("details", detailsOf(pressure)));
}

}  // namespace peerpulse::server
