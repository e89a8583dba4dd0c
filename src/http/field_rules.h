// Rules on fields that both protocols share (RFC 9110).
//
// Threading: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace peerpulse::http {

/// The fields that mean something to a proxy; a name is looked up once, all rules ask this.
enum class FieldKind : uint8_t {
  kOther,
  // About one connection (RFC 9110 7.6.1).
  kConnection,
  kKeepAlive,
  kProxyConnection,
  kTransferEncoding,
  kUpgrade,
  kHttp2Settings,
  // About the message.
  kContentLength,
  kExpect,
  kHost,
  kTe,
  // No business in a trailer section either (RFC 9110 6.5.1).
  kAuthorization,
  kCookie,
  kProxyAuthorization,
  kSetCookie,
  kTrailer,
  // What gateways that map '-' to '_' would take for a framing field.
  kImitation,
};
FieldKind kindOf(std::string_view name);

/// Fields that concern one connection only, whatever Connection names. `te` is not among them: its one
/// allowed value passes.
constexpr bool isConnectionField(FieldKind kind) {
  return kind >= FieldKind::kConnection && kind <= FieldKind::kHttp2Settings;
}

/// Fields that must not travel in a trailer section: framing, routing and authentication.
bool isForbiddenTrailer(FieldKind kind);

/// 1*DIGIT without sign, list, underscore or overflow of 2^63 - 1 (faults B3).
std::optional<uint64_t> parseDigits(std::string_view text);

/// 1*tchar (RFC 9110 5.6.2).
bool isToken(std::string_view text);

/// Nothing in it that would end the field on the wire (response splitting, faults C13).
bool isSafeValue(std::string_view value);

}  // namespace peerpulse::http
