#include "trace_id.h"

#include <algorithm>

namespace peerpulse::proxy {

namespace {

// version "-" trace-id "-" parent-id "-" trace-flags
constexpr size_t kTraceAt = 3;
constexpr size_t kTraceLength = 32;
constexpr size_t kLeast = 55;

bool isLowerHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

// A later version may be longer, and begins like this one.
std::string_view traceId(std::string_view traceparent) {
  if (traceparent.size() < kLeast || traceparent[2] != '-' || traceparent[kTraceAt + kTraceLength] != '-') return {};
  const std::string_view id = traceparent.substr(kTraceAt, kTraceLength);
  if (!std::all_of(id.begin(), id.end(), isLowerHex)) return {};
  return id.find_first_not_of('0') == std::string_view::npos ? std::string_view() : id;
}

}  // namespace peerpulse::proxy
