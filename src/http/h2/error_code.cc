#include "error_code.h"

#include <nghttp2/nghttp2.h>

namespace peerpulse::http::h2 {

ResetReason reasonOf(uint32_t errorCode) {
  switch (errorCode) {
    case NGHTTP2_NO_ERROR: return ResetReason::kNoError;
    case NGHTTP2_CANCEL: return ResetReason::kCancel;
    case NGHTTP2_REFUSED_STREAM: return ResetReason::kRefused;
    case NGHTTP2_INTERNAL_ERROR:
    case NGHTTP2_CONNECT_ERROR: return ResetReason::kInternal;
    case NGHTTP2_FLOW_CONTROL_ERROR: return ResetReason::kFlowControl;
    case NGHTTP2_ENHANCE_YOUR_CALM: return ResetReason::kEnhanceYourCalm;
    default: return ResetReason::kProtocol;
  }
}

uint32_t errorCodeOf(ResetReason reason, bool server) {
  switch (reason) {
    case ResetReason::kNoError: return NGHTTP2_NO_ERROR;
    case ResetReason::kCancel: return NGHTTP2_CANCEL;
    case ResetReason::kRefused: return NGHTTP2_REFUSED_STREAM;
    case ResetReason::kProtocol: return NGHTTP2_PROTOCOL_ERROR;
    case ResetReason::kInternal: return NGHTTP2_INTERNAL_ERROR;
    case ResetReason::kFlowControl: return NGHTTP2_FLOW_CONTROL_ERROR;
    case ResetReason::kEnhanceYourCalm: return NGHTTP2_ENHANCE_YOUR_CALM;
    case ResetReason::kConnectionClosed: return server ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL;
  }
  return NGHTTP2_INTERNAL_ERROR;
}

}  // namespace peerpulse::http::h2
