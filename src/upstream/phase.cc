#include "peerpulse/upstream/phase.h"

namespace peerpulse::upstream {

const char* toString(Phase phase) {
  switch (phase) {
    case Phase::kQueue: return "queue";
    case Phase::kConnect: return "connect";
    case Phase::kRequest: return "request";
    case Phase::kWait: return "wait";
    case Phase::kResponse: return "response";
    case Phase::kTunnel: return "tunnel";
    case Phase::kRest: return "rest";
  }
  return "?";
}

}  // namespace peerpulse::upstream
