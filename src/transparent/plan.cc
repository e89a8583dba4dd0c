#include "peerpulse/transparent/plan.h"

namespace peerpulse::transparent {

// An operator's word stands whatever the prober does.
Way wayOf(const health::CircuitWord& word, bool refuses, const OwnState& own) {
  if (own.draining || !own.workersBeat) return Way::kDirect;
  if (own.proberStalled && !word.overridden) return Way::kDirect;
  return refuses && word.circuit == health::CircuitState::kOpen ? Way::kRefused : Way::kRedirected;
}

const char* toString(Way way) {
  switch (way) {
    case Way::kDirect: return "direct";
    case Way::kRedirected: return "redirected";
    case Way::kRefused: return "refused";
  }
  return "?";
}

}  // namespace peerpulse::transparent
