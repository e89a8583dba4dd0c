// Max-Forwards (RFC 9110 7.6.2): of an OPTIONS or TRACE it says how many may pass it on after us; zero: we are whom it asks.
//
// Threading: pure.
#pragma once

#include "peerpulse/http/message.h"

namespace peerpulse::http {

/// Whether `head` may go on; then its count is one less. Methods without that field's meaning go on as they are, and so does a
/// value that is no number, which is for who understands it.
bool takeForward(RequestHead& head);

}  // namespace peerpulse::http
