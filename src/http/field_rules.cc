#include "field_rules.h"

#include "byte_scan.h"
#include "peerpulse/http/header_list.h"

namespace peerpulse::http {
namespace {

constexpr ByteSet kTokenBytes("!#$%&'*+-.^_`|~");

}  // namespace

FieldKind kindOf(std::string_view name) {
  if (name.empty()) return FieldKind::kOther;
  const char first = static_cast<char>(name.front() | 0x20);
  const auto is = [name, first](std::string_view known) {
    return first == known.front() && equalsIgnoreCase(name, known);
  };
  switch (name.size()) {
    case 2: return is("te") ? FieldKind::kTe : FieldKind::kOther;
    case 4: return is("host") ? FieldKind::kHost : FieldKind::kOther;
    case 6:
      if (is("cookie")) return FieldKind::kCookie;
      return is("expect") ? FieldKind::kExpect : FieldKind::kOther;
    case 7:
      if (is("trailer")) return FieldKind::kTrailer;
      return is("upgrade") ? FieldKind::kUpgrade : FieldKind::kOther;
    case 10:
      if (is("connection")) return FieldKind::kConnection;
      if (is("keep-alive")) return FieldKind::kKeepAlive;
      return is("set-cookie") ? FieldKind::kSetCookie : FieldKind::kOther;
    case 13: return is("authorization") ? FieldKind::kAuthorization : FieldKind::kOther;
    case 14:
      if (is("content-length")) return FieldKind::kContentLength;
      if (is("http2-settings")) return FieldKind::kHttp2Settings;
      return is("content_length") ? FieldKind::kImitation : FieldKind::kOther;
    case 16: return is("proxy-connection") ? FieldKind::kProxyConnection : FieldKind::kOther;
    case 17:
      if (is("transfer-encoding")) return FieldKind::kTransferEncoding;
      return is("transfer_encoding") ? FieldKind::kImitation : FieldKind::kOther;
    case 19: return is("proxy-authorization") ? FieldKind::kProxyAuthorization : FieldKind::kOther;
    default: return FieldKind::kOther;
  }
}

bool isForbiddenTrailer(FieldKind kind) {
  switch (kind) {
    case FieldKind::kOther:
    case FieldKind::kHttp2Settings:
    case FieldKind::kExpect:
    case FieldKind::kImitation: return false;
    default: return true;
  }
}

std::optional<uint64_t> parseDigits(std::string_view text) {
  constexpr uint64_t kMax = INT64_MAX;
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (value > (kMax - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

bool isToken(std::string_view text) { return !text.empty() && kTokenBytes.hasAll(text); }

bool isSafeValue(std::string_view value) {
  for (size_t at = findControl(value, 0); at < value.size(); at = findControl(value, at + 1)) {
    if (value[at] == '\r' || value[at] == '\n' || value[at] == '\0') return false;
  }
  return true;
}

}  // namespace peerpulse::http
