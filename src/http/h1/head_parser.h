// From a linted section to RequestHead or ResponseHead: framing decided (RFC 9112 6.3, stricter: faults
// B1-B3), hop-by-hop fields consumed (RFC 9110 7.6.1).
//
// Threading: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "header_lint.h"
#include "peerpulse/http/message.h"

namespace peerpulse::http::h1 {

enum class BodyKind : uint8_t { kNone, kLength, kChunked, kUntilClose, kTunnel };

struct Framing {
  BodyKind kind = BodyKind::kNone;
  uint64_t length = 0;
  /// What the sender says of the connection's further life.
  bool keepAlive = true;
  bool bodyless() const { return kind == BodyKind::kNone || (kind == BodyKind::kLength && length == 0); }
};

struct ParsedRequest {
  RequestHead head;
  Framing framing;
  SectionBudget budget;
  bool expectContinue = false;
};
std::optional<Fault> parseRequest(std::string_view text, const CodecLimits& limits, ParsedRequest& out);

struct ParsedResponse {
  ResponseHead head;
  Framing framing;
  SectionBudget budget;
};
/// `headRequest`: the answer is to a HEAD. `upgrade`: what the request asked for (101 only then).
std::optional<Fault> parseResponse(std::string_view text, const CodecLimits& limits, bool headRequest, bool upgrade,
                                   ParsedResponse& out);

/// Fields of a trailer section, without the forbidden ones.
std::optional<Fault> parseTrailers(std::string_view text, const CodecLimits& limits, SectionBudget budget,
                                   HeaderList& out);

}  // namespace peerpulse::http::h1
