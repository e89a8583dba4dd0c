// What the first bytes of an answer to plain HTTP say about who answers.
//
// Threading: pure.
#pragma once

#include <string_view>

#include "observations.h"

namespace peerpulse::cli {

/// `bytes`: all that came until it was enough or the remote side ended. kOther: no HTTP/1, no TLS; an HTTP/2 frame too.
SpeechAnswer::Kind speechOf(std::string_view bytes);
/// Of an HTTP/1 answer; 0 when there is none.
int statusOf(std::string_view bytes);
/// Whether an answer to a ClientHello comes from TLS.
bool isTlsRecord(std::string_view bytes);

}  // namespace peerpulse::cli
