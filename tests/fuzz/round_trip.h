// What a codec took for a legal head must be one again on the other side: written by our codec and read by our strict
// parser, whatever the protocols. What is not would be a request that means one thing here and another there.
#pragma once

#include "peerpulse/http/message.h"

namespace peerpulse::fuzz {

/// Ends the process if it does not come through a HTTP/1.1 connection as it is.
void checkOverH1(const http::RequestHead& head);
void checkOverH2(const http::RequestHead& head);
void checkOverH1(const http::ResponseHead& head);
void checkOverH2(const http::ResponseHead& head);

}  // namespace peerpulse::fuzz
