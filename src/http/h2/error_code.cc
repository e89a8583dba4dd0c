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

ResetReason receivedReason(uint32_t errorCode) {
  switch (errorCode) {
    case NGHTTP2_PROTOCOL_ERROR: return ResetReason::kSaidProtocol;
    case NGHTTP2_FLOW_CONTROL_ERROR: return ResetReason::kSaidFlowControl;
    case NGHTTP2_SETTINGS_TIMEOUT: return ResetReason::kSaidSettingsTimeout;
    case NGHTTP2_STREAM_CLOSED: return ResetReason::kSaidStreamClosed;
    case NGHTTP2_FRAME_SIZE_ERROR: return ResetReason::kSaidFrameSize;
    case NGHTTP2_COMPRESSION_ERROR: return ResetReason::kSaidCompression;
    case NGHTTP2_CONNECT_ERROR: return ResetReason::kSaidConnect;
    case NGHTTP2_INADEQUATE_SECURITY: return ResetReason::kSaidInadequateSecurity;
    case NGHTTP2_HTTP_1_1_REQUIRED: return ResetReason::kSaidHttp11Required;
    case NGHTTP2_NO_ERROR:
    case NGHTTP2_CANCEL:
    case NGHTTP2_REFUSED_STREAM:
    case NGHTTP2_ENHANCE_YOUR_CALM: return reasonOf(errorCode);
    default: return ResetReason::kInternal;  // INTERNAL_ERROR, and what nobody knows (RFC 9113 7)
  }
}

uint32_t errorCodeOf(ResetReason reason, bool server) {
  switch (reason) {
    case ResetReason::kNoError: return NGHTTP2_NO_ERROR;
    case ResetReason::kCancel: return NGHTTP2_CANCEL;
    case ResetReason::kNotTaken:
    case ResetReason::kRefused: return NGHTTP2_REFUSED_STREAM;
    case ResetReason::kProtocol:
    case ResetReason::kSaidProtocol: return NGHTTP2_PROTOCOL_ERROR;
    case ResetReason::kInternal: return NGHTTP2_INTERNAL_ERROR;
    case ResetReason::kFlowControl:
    case ResetReason::kSaidFlowControl: return NGHTTP2_FLOW_CONTROL_ERROR;
    case ResetReason::kSaidSettingsTimeout: return NGHTTP2_SETTINGS_TIMEOUT;
    case ResetReason::kSaidStreamClosed: return NGHTTP2_STREAM_CLOSED;
    case ResetReason::kSaidFrameSize: return NGHTTP2_FRAME_SIZE_ERROR;
    case ResetReason::kSaidCompression: return NGHTTP2_COMPRESSION_ERROR;
    case ResetReason::kSaidConnect: return NGHTTP2_CONNECT_ERROR;
    case ResetReason::kSaidInadequateSecurity: return NGHTTP2_INADEQUATE_SECURITY;
    case ResetReason::kSaidHttp11Required: return NGHTTP2_HTTP_1_1_REQUIRED;
    case ResetReason::kEnhanceYourCalm: return NGHTTP2_ENHANCE_YOUR_CALM;
    case ResetReason::kConnectionClosed: return server ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL;
  }
  return NGHTTP2_INTERNAL_ERROR;
}

}  // namespace peerpulse::http::h2
