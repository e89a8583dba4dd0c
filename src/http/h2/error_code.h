// RST_STREAM and GOAWAY codes (RFC 9113 7) to and from ResetReason.
#pragma once

#include <cstdint>

#include "peerpulse/http/codec.h"

namespace peerpulse::http::h2 {

/// Of an error that was found.
ResetReason reasonOf(uint32_t errorCode);
/// Of a RST_STREAM that was received.
ResetReason receivedReason(uint32_t errorCode);
/// `server`: a connection lost on the other side of the proxy is an internal error towards a client, but
/// towards a server merely a request no longer wanted.
uint32_t errorCodeOf(ResetReason reason, bool server);

}  // namespace peerpulse::http::h2
