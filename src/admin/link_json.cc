#include "link_json.h"

#include "peerpulse/base/time.h"
#include "peerpulse/health/link_choice.h"

namespace peerpulse::admin {

Json linkJson(const upstream::LinkOptions& link, const stats::LinkStats& stats) {
  if (link.mode == upstream::LinkMode::kOff) return nullptr;
  const auto state = static_cast<health::LinkState>(stats.state.get());
  const bool up = state == health::LinkState::kUp;
  return {{"mode", upstream::toString(link.mode)},
          {"address", link.address.toString()},
          {"state", health::toString(state)},
          {"since", formatRfc3339(WallTime(milliseconds(static_cast<int64_t>(stats.sinceMillis.get()))))},
          {"why", up ? Json() : Json(health::linkTrouble(static_cast<int>(stats.why.get())))},
          {"fallbacks_total", stats.fallbacks.get()}};
}

}  // namespace peerpulse::admin
