#include "byte_scan.h"

#include <string>

#include <doctest/doctest.h>

namespace peerpulse::http {
namespace {

TEST_CASE("findControl: each byte value at each place") {
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    const bool control = (value < 0x20 && value != '\t') || value == 0x7f;
    CHECK(isControl(c) == control);
    for (size_t size = 1; size < 20; ++size) {
      for (size_t at = 0; at < size; ++at) {
        std::string text(size, 'a');
        text[at] = c;
        const size_t expected = control ? at : size;
        if (findControl(text, 0) != expected) {
          CAPTURE(value);
          CAPTURE(size);
          CHECK(findControl(text, 0) == expected);
        }
        CHECK(findControl(text, at + 1) == size);
      }
    }
  }
}

TEST_CASE("findControl: the first of several, after tabs and high bytes") {
  CHECK(findControl("\t\t\t\t\t\t\t\t\t\t\r\n", 0) == 10);
  CHECK(findControl("\xff\x80\x81 \xc3\xa4\xfe~\x1f\x7f", 0) == 8);
  CHECK(findControl("abc\n\r\x7f", 0) == 3);
  CHECK(findControl("abc\n\r\x7f", 4) == 4);
  CHECK(findControl("", 0) == 0);
}

TEST_CASE("ByteSet") {
  constexpr ByteSet kSet("-_");
  CHECK(kSet.hasAll("aZ09-_"));
  CHECK_FALSE(kSet.hasAll("a b"));
  CHECK_FALSE(kSet.has('\xe4'));
  CHECK(kSet.hasAll(""));
  constexpr ByteSet kOnly("x", false);
  CHECK(kOnly.has('x'));
  CHECK_FALSE(kOnly.has('y'));
}

}  // namespace
}  // namespace peerpulse::http
