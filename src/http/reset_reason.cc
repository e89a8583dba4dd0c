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
    case ResetReason::kSaidProtocol: return "said_protocol_error";
    case ResetReason::kSaidFlowControl: return "said_flow_control_error";
    case ResetReason::kSaidSettingsTimeout: return "said_settings_timeout";
    case ResetReason::kSaidStreamClosed: return "said_stream_closed";
    case ResetReason::kSaidFrameSize: return "said_frame_size_error";
    case ResetReason::kSaidCompression: return "said_compression_error";
    case ResetReason::kSaidConnect: return "said_connect_error";
    case ResetReason::kSaidInadequateSecurity: return "said_inadequate_security";
    case ResetReason::kSaidHttp11Required: return "said_http_1_1_required";
    case ResetReason::kNotTaken: return "not_taken";
    case ResetReason::kConnectionClosed: return "connection_closed";
  }
  return "?";
}

bool saidByRemote(ResetReason reason) {
  switch (reason) {
    case ResetReason::kRefused:
    case ResetReason::kProtocol:
    case ResetReason::kFlowControl:
    case ResetReason::kNotTaken:
    case ResetReason::kConnectionClosed: return false;
    default: return true;
  }
}

}  // namespace peerpulse::http
