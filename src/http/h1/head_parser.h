// From the lines of a head to RequestHead or ResponseHead: framing decided (RFC 9112 6.3, stricter: faults
// B1-B3), hop-by-hop fields consumed (RFC 9110 7.6.1).
//
// Threading: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "fault.h"
#include "head_scanner.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/http/message.h"
#include "section.h"

namespace peerpulse::http::h1 {

enum class BodyKind : uint8_t { kNone, kLength, kChunked, kUntilClose, kTunnel };

struct Framing {
  BodyKind kind = BodyKind::kNone;
  uint64_t length = 0;
  /// What the sender says of the connection's further life.
  bool keepAlive = true;
  bool bodyless() const { return kind == BodyKind::kNone; }
};

struct ParsedRequest {
  RequestHead head;
  Framing framing;
  SectionBudget budget;
  bool expectContinue = false;
};
std::optional<Fault> parseRequest(SectionLines lines, const CodecLimits& limits, ParsedRequest& out);

struct ParsedResponse {
  ResponseHead head;
  Framing framing;
  SectionBudget budget;
};
/// What the request was that a response answers.
struct Asked {
  bool head = false;      ///< its method was HEAD
  bool upgrade = false;   ///< it asked for another protocol: 101 only then
  bool extended = false;  ///< ... by an extended CONNECT of h2 (RFC 8441)
};
std::optional<Fault> parseResponse(SectionLines lines, const CodecLimits& limits, Asked asked, ParsedResponse& out);

}  // namespace peerpulse::http::h1
