#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "peerpulse/log/log.h"

using namespace peerpulse;
using log::Fields;
using log::quoted;

TEST_CASE("text is quoted as RFC 8259 wants it") {
  CHECK(quoted("") == R"("")");
  CHECK(quoted("plain") == R"("plain")");
  CHECK(quoted("a\"b\\c\n\r\t") == R"("a\"b\\c\n\r\t")");
  CHECK(quoted(std::string_view("\0\x1f\x7f", 3)) == R"("\u0000\u001f\u007f")");
  CHECK(quoted("gr\xC3\xBC\xC3\x9F \xF0\x9F\x94\x8C") == "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x94\x8C\"");
}

TEST_CASE("invalid UTF-8 becomes U+FFFD, one per byte that begins no sequence") {
  const std::string r = "\xEF\xBF\xBD";
  CHECK(quoted("\xFF") == "\"" + r + "\"");
  CHECK(quoted("a\xC3") == "\"a" + r + "\"");                        // cut off
  CHECK(quoted("\xC0\xAF") == "\"" + r + r + "\"");                  // overlong '/'
  CHECK(quoted("\xED\xA0\x80") == "\"" + r + r + r + "\"");          // surrogate
  CHECK(quoted("\xF4\x90\x80\x80") == "\"" + r + r + r + r + "\"");  // above U+10FFFF
  CHECK(quoted("\xE2\x82"
               "A") == "\"" + r + r + "A\"");
}

TEST_CASE("fields keep their order and type") {
  Fields f;
  f.add("s", "x").add("b", true).add("u", uint64_t{18446744073709551615U}).add("i", -5).add("d", 51.2);
  CHECK(f.json() == R"(,"s":"x","b":true,"u":18446744073709551615,"i":-5,"d":51.2)");
}

TEST_CASE("numbers JSON does not have are null") {
  Fields f;
  f.add("nan", std::nan("")).add("inf", std::numeric_limits<double>::infinity());
  CHECK(f.json() == R"(,"nan":null,"inf":null)");
}
