// Goal: nothing reaches the terminal but by the filter, and a frame leaves nothing of the one before.
#include "terminal.h"

#include <sstream>

#include <doctest/doctest.h>

namespace peerpulse::cli {
namespace {

TEST_CASE("terminal: lines, JSON and complaints are filtered, each in its way") {
  std::ostringstream out, err;
  const Terminal terminal(out, err, false);
  terminal.show("a\x1b[2J\n");
  CHECK(out.str() == "a\xEF\xBF\xBD[2J\n");
  out.str("");
  terminal.showJson(Json{{"a", "\x7f\x1b"}}, -1);
  CHECK(out.str() == "{\"a\":\"\\u007f\\u001b\"}\n");
  out.str("");
  terminal.showJson(Json{{"a", "\xff"}}, -1);
  CHECK(out.str() == "{\"a\":\"\xEF\xBF\xBD\"}\n");
  terminal.complain("no\nall: well");
  CHECK(err.str() ==
        "peerpulse: no\xEF\xBF\xBD"
        "all: well\n");
}

TEST_CASE("terminal: a frame clears the rest of each line and of the screen") {
  std::ostringstream out, err;
  const Terminal terminal(out, err, false);
  terminal.showFrame("one\x1b\ntwo\n");
  CHECK(out.str() == "\x1b[Hone\xEF\xBF\xBD\x1b[K\ntwo\x1b[K\n\x1b[J");
  CHECK(terminal.flush());
  out.setstate(std::ios::badbit);
  CHECK_FALSE(terminal.flush());
}

}  // namespace
}  // namespace peerpulse::cli
