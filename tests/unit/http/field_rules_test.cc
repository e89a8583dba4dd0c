#include "field_rules.h"

#include <array>
#include <string>
#include <utility>

#include <doctest/doctest.h>

namespace peerpulse::http {
namespace {

constexpr std::array kKnown = {
    std::pair("connection", FieldKind::kConnection),
    std::pair("keep-alive", FieldKind::kKeepAlive),
    std::pair("proxy-connection", FieldKind::kProxyConnection),
    std::pair("transfer-encoding", FieldKind::kTransferEncoding),
    std::pair("upgrade", FieldKind::kUpgrade),
    std::pair("http2-settings", FieldKind::kHttp2Settings),
    std::pair("content-length", FieldKind::kContentLength),
    std::pair("expect", FieldKind::kExpect),
    std::pair("host", FieldKind::kHost),
    std::pair("te", FieldKind::kTe),
    std::pair("authorization", FieldKind::kAuthorization),
    std::pair("cookie", FieldKind::kCookie),
    std::pair("proxy-authorization", FieldKind::kProxyAuthorization),
    std::pair("set-cookie", FieldKind::kSetCookie),
    std::pair("trailer", FieldKind::kTrailer),
    std::pair("content_length", FieldKind::kImitation),
    std::pair("transfer_encoding", FieldKind::kImitation),
};

TEST_CASE("kindOf: known names in any case, and nothing near them") {
  for (const auto& [text, kind] : kKnown) {
    std::string name(text);
    CAPTURE(name);
    CHECK((kindOf(name) == kind));
    for (char& c : name) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    CHECK((kindOf(name) == kind));
    for (size_t i = 0; i < name.size(); ++i) {
      std::string other(text);
      other[i] = 'q';
      CHECK((kindOf(other) == FieldKind::kOther));
    }
    CHECK((kindOf(name + "x") == FieldKind::kOther));
  }
  CHECK((kindOf("") == FieldKind::kOther));
  CHECK((kindOf("content-type") == FieldKind::kOther));
}

TEST_CASE("which fields stay with their connection, and which out of trailers") {
  for (const auto& [name, kind] : kKnown) {
    const std::string text(name);
    CAPTURE(text);
    const bool ofConnection = text == "connection" || text == "keep-alive" || text == "proxy-connection" ||
                              text == "transfer-encoding" || text == "upgrade" || text == "http2-settings";
    CHECK(isConnectionField(kind) == ofConnection);
    const bool mayTrail = text == "http2-settings" || text == "expect" || kind == FieldKind::kImitation;
    CHECK(isForbiddenTrailer(kind) == !mayTrail);
  }
  CHECK_FALSE(isConnectionField(FieldKind::kOther));
  CHECK_FALSE(isForbiddenTrailer(FieldKind::kOther));
}

TEST_CASE("parseDigits: digits only, below 2^63") {
  CHECK(parseDigits("0") == 0u);
  CHECK(parseDigits("007") == 7u);
  CHECK(parseDigits("9223372036854775807") == 9223372036854775807u);
  for (const char* bad : {"", "9223372036854775808", "99999999999999999999", "-1", "+1", " 1", "1 ", "0x1", "1_0"}) {
    CAPTURE(bad);
    CHECK_FALSE(parseDigits(bad).has_value());
  }
}

TEST_CASE("isToken and isSafeValue") {
  CHECK(isToken("X-Amz_Date!#$%&'*+.^`|~9"));
  for (const char* bad : {"", "a b", "a:", "a/b", "a\tb", "\xc3\xa4", "a\r"}) {
    CAPTURE(bad);
    CHECK_FALSE(isToken(bad));
  }
  CHECK(isSafeValue(""));
  CHECK(isSafeValue("a \t\x01\xff b"));
  for (const char* bad : {"a\r", "\nb", "0123456789\r\n", "\x01\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(isSafeValue(bad));
  }
  CHECK_FALSE(isSafeValue(std::string("a\0b", 3)));
}

}  // namespace
}  // namespace peerpulse::http
