// Rules on fields that both protocols share (RFC 9110).
//
// Threading: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace peerpulse::http {

/// 1*DIGIT without sign, list, underscore or overflow of 2^63 - 1 (faults B3).
std::optional<uint64_t> parseDigits(std::string_view text);

/// Fields that concern one connection only (RFC 9110 7.6.1), whatever Connection names. `te` is not among
/// them: its one allowed value passes.
bool isConnectionField(std::string_view name);

/// Fields that must not travel in a trailer section: framing, routing and authentication (RFC 9110 6.5.1).
bool isForbiddenTrailer(std::string_view name);

/// 1*tchar (RFC 9110 5.6.2).
bool isToken(std::string_view text);

}  // namespace peerpulse::http
