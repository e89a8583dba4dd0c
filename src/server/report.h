// Report: one thing that happened on the prober's thread, to be told elsewhere. A plain value: it is copied into a
// queue's cell and out again without allocation.
#pragma once

#include <type_traits>
#include <variant>

#include "listener_gates.h"
#include "peerpulse/admin/event_log.h"
#include "peerpulse/base/time.h"
#include "peerpulse/health/link_choice.h"
#include "peerpulse/health/rung_change.h"
#include "peerpulse/health/transition.h"
#include "peerpulse/health/trend.h"

namespace peerpulse::server {

struct Report {
  using What = std::variant<health::Transition, health::Degrading, health::RungChange, health::LinkChange,
                            admin::LocalChange, GateFailure>;

  WallTime at;  ///< when it happened, not when it is told
  What what;
};
static_assert(std::is_trivially_copyable_v<Report>);

}  // namespace peerpulse::server
