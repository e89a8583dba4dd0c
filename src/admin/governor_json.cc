#include "governor_json.h"

namespace peerpulse::admin {

namespace {

/// The mean of the workers that know one.
Json meanMicros(const stats::Value& sum, const stats::Value& count) {
  const uint64_t n = count.get();
  return n == 0 ? Json(nullptr) : Json(sum.get() / n);
}

Json classJson(const stats::GovernorStats& governor) {
  const uint64_t limiting = governor.limiting.get();
  return {{"limiting", limiting},
          {"limit", limiting == 0 ? Json(nullptr) : Json(governor.limit.get())},
          {"in_flight", governor.inFlight.get()},
          {"baseline_us", meanMicros(governor.baselineMicros, governor.knowing)},
          {"latency_us", meanMicros(governor.latencyMicros, governor.knowing)},
          {"shed_total", governor.shed.get()},
          {"would_shed_total", governor.wouldShed.get()}};
}

}  // namespace

Json governorJson(upstream::GovernorMode mode, const stats::GovernorsByClass& governors) {
  Json json = {{"mode", toString(mode)}};
  for (size_t i = 0; i < stats::kGovernedClasses.size(); ++i)
    json[stats::kGovernedClasses[i]] = classJson(governors[i]);
  return json;
}

}  // namespace peerpulse::admin
