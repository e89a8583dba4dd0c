// The trace that a request belongs to (W3C Trace Context), so that a line of the access log can be found beside what others wrote
// of the same request.
//
// Threading: pure.
#pragma once

#include <string_view>

namespace peerpulse::proxy {

/// The trace id of a `traceparent` field: 32 hexadecimal digits. Empty: there is none, or it is malformed.
std::string_view traceId(std::string_view traceparent);

}  // namespace peerpulse::proxy
