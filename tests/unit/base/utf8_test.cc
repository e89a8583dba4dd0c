// Goal: only what Unicode calls well-formed is taken for a character, and for the right one.
#include "peerpulse/base/utf8.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse {
namespace {

TEST_CASE("utf8: the first and the last of each length") {
  for (const auto& [text, codePoint] : {std::pair<std::string_view, uint32_t>{"\x01", 0x01},
                                        {"\x7f", 0x7F},
                                        {"\xC2\x80", 0x80},
                                        {"\xDF\xBF", 0x7FF},
                                        {"\xE0\xA0\x80", 0x800},
                                        {"\xED\x9F\xBF", 0xD7FF},
                                        {"\xEE\x80\x80", 0xE000},
                                        {"\xEF\xBF\xBF", 0xFFFF},
                                        {"\xF0\x90\x80\x80", 0x10000},
                                        {"\xF4\x8F\xBF\xBF", 0x10FFFF}}) {
    const uint32_t point = codePoint;  // no structured binding: CAPTURE() is a function of its own
    CAPTURE(point);
    CHECK(utf8Length(text) == text.size());
    CHECK(utf8Length(std::string(text) + "x") == text.size());
    CHECK(utf8CodePoint(text) == point);
    if (text.size() > 1) CHECK(utf8Length(text.substr(0, text.size() - 1)) == 0);
  }
}

TEST_CASE("utf8: overlong forms, surrogates, what lies above, and halves are none") {
  for (const std::string_view text :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC2x", "\xE2\x82x", "\xF0\x9F\x92x"}) {
    CHECK(utf8Length(text) == 0);
  }
}

}  // namespace
}  // namespace peerpulse
