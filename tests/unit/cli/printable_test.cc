// Goal: what others wrote does not steer the terminal, and what means something is not lost.
#include "printable.h"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace peerpulse::cli {
namespace {

const std::string kGone = "\xEF\xBF\xBD";

TEST_CASE("printable: controls of C0 and C1, DEL, and the ends of lines") {
  CHECK(printable("\x1b[2Jred\n\x7f") == kGone + "[2Jred" + kGone + kGone);
  CHECK(printable("a\r\tb") == "a" + kGone + kGone + "b");
  CHECK(printable(std::string("\0", 1)) == kGone);
  CHECK(printable("\xc2\x9b"
                  "2J\xc2\xa0") == kGone + "2J\xc2\xa0");
}

TEST_CASE("printable: what turns text round, or ends its line") {
  for (const char* steering :
       {"\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAA", "\xE2\x80\xAE", "\xE2\x81\xA6", "\xE2\x81\xA9"})
    CHECK(printable(steering) == kGone);
  CHECK(printable("\xE2\x80\xA7\xE2\x80\xAF\xE2\x81\xA5\xE2\x81\xAA") ==
        "\xE2\x80\xA7\xE2\x80\xAF\xE2\x81\xA5\xE2\x81\xAA");
}

TEST_CASE("printable: what is not seen, so that a name looks like another one") {
  for (const char* unseen :
       {"\xD8\x9C", "\xE2\x80\x8B", "\xE2\x80\x8D", "\xE2\x80\x8F", "\xE2\x81\xA0", "\xE2\x81\xA4", "\xEF\xBB\xBF",
        "\xF3\xA0\x80\x80", "\xF3\xA0\x81\x81", "\xF3\xA0\x81\xBF"}) {
    CAPTURE(unseen);
    CHECK(printable(unseen) == kGone);
    const std::string raw = "\"node" + std::string(unseen) + "2\"";
    const std::string shown = printableJson(raw);
    CHECK(std::none_of(shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7F; }));
    CHECK(nlohmann::json::parse(shown) == nlohmann::json::parse(raw));
  }
  for (const char* seen :
       {"\xD8\x9B", "\xD8\x9D", "\xE2\x80\x8A", "\xE2\x80\x90", "\xEF\xBB\xBE", "\xF3\xA0\x82\x80"}) {
    CAPTURE(seen);
    CHECK(printable(seen) == seen);
  }
}

TEST_CASE("printable: what is no UTF-8, a byte at a time") {
  CHECK(printable("\xff\x9b[2J") == kGone + kGone + "[2J");
  CHECK(printable("\xc0\x9b") == kGone + kGone);  // an overlong form of a control
  CHECK(printable("\xe2\x80") == kGone + kGone);
  CHECK(printable("gr\xc3\xbc\xc3\x9f \xf0\x9f\x92\xbe") == "gr\xc3\xbc\xc3\x9f \xf0\x9f\x92\xbe");
}

TEST_CASE("printable: lines stay lines") {
  CHECK(printableLines("a\n\x1b\nb\r\n") == "a\n" + kGone + "\nb" + kGone + "\n");
}

TEST_CASE("printable: JSON means the same as before") {
  const std::string raw = "{\"a\":\"\x7f\xc2\x9b\xE2\x80\xAE ok \xc3\xbc\",\r\n\t\"b\": 1}\n";
  const std::string shown = printableJson(raw);
  CHECK(shown == "{\"a\":\"\\u007f\\u009b\\u202e ok \xc3\xbc\", \n \"b\": 1}\n");
  CHECK(nlohmann::json::parse(shown) == nlohmann::json::parse(raw));
}

TEST_CASE("printable: columns") {
  CHECK(columnsOf("") == 0);
  CHECK(columnsOf("gr\xc3\xbc\xc3\x9f") == 4);
}

}  // namespace
}  // namespace peerpulse::cli
