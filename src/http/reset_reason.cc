#include "peerpulse/http/codec.h"

namespace peerpulse::http {

const char* toString(ResetReason reason) {
  switch (reason) {
    case ResetReason::kNoError: return "no_error";
    case ResetReason::kCancel: return "cancel";
    case ResetReason::kRefused: return "refused";
    case ResetReason::kProtocol: return "protocol_error";
    case ResetReason::kInternal: return "internal_error";
    case ResetReason::kFlowControl: return "flow_control_error";
    case ResetReason::kEnhanceYourCalm: return "enhance_your_calm";
    case ResetReason::kConnectionClosed: return "connection_closed";
  }
  return "?";
}

}  // namespace peerpulse::http
